// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package outlook reads what Outlook writes: .msg files (MS-OXMSG over MS-CFB),
// winmail.dat (TNEF, MS-OXTNEF) and the HTML inside compressed RTF
// (MS-OXRTFCP, MS-OXRTFEX).
//
// The files come from attackers, so that nothing in them is believed: chains of
// sectors may run in circles, storages may contain themselves, sizes may be
// forged, code pages lie. Everything is bounded by [Limits], and what is wrong
// but can be read is read and kept as a [Repair], which is evidence.
//
// The memory of attachments may be that of the file they came from: a caller
// that changes one changes the other.
package outlook
