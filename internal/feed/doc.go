// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package feed brings in what outside bodies publish: vulnerability notes of
// JVN iPedia (JVNRSS), alerts of the national bodies (RSS 1.0), news of
// ministries and vendors (RSS 2.0, Atom). An item of a feed is a proposal; an
// analyst makes it an advisory.
//
// What arrives is foreign bytes. Parse repairs what can be misread in one way
// only (a bare ampersand, a control character, &nbsp; without a definition, a
// wrong charset label), names per item what it left out, and refuses the rest
// with line and reason. A feed that ends too early is refused as a whole:
// nobody may take half a list for the list. All text it returns is plain text.
//
// Fetch asks for a feed with the validators of last time, Run.Next says when to
// ask again, Suggest proposes a category with the word that led to it.
package feed
