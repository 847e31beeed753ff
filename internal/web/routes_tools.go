// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

// toolRoutes are the pages about what is done with it: import, collection, trends, filters, guard, settings, help.
func (s *Server) toolRoutes() []route {
	return []route{}
}
