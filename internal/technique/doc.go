// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package technique is the vocabulary of attack techniques (攻撃手法): how an
// attack works, in words that a nurse or a clerk understands. Most are
// techniques of MITRE ATT&CK, with its ids and English names, so that other
// organisations' systems understand them; the rest are the ISAC's own, for
// what hospitals in Japan meet and ATT&CK does not name.
//
// Everything lies in techniques.toml, which is part of the program. What an
// installation adds for itself is kept in its database, not here.
//
// See NOTICE.md for the licence of ATT&CK.
package technique
