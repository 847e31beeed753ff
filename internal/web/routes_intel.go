// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

// intelRoutes are the pages about shared information: home, lists, search, details, registration, review.
func (s *Server) intelRoutes() []route {
	return []route{}
}
