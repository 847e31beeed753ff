// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package intel keeps what members know about indicators. An observation is
// one row of one source: somebody saw this URL on that day. A claim is what one
// organisation says, at one TLP, about one indicator: first and last seen,
// confidence, validity, and whether the guard lets it become a filter entry.
// Claims come from observations and from published advisories; they are merged
// only for a reader who may see each of them.
package intel
