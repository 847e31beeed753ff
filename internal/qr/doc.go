// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package qr reads QR codes (ISO/IEC 18004) in mails: in images, in SVG, drawn
// with block characters, and built of table cells. Attackers put an address
// there because filters read text.
//
// Finding a code is ours: the three corners are looked for in a way that costs
// no more than the image is large, where the usual way tries every three of all
// the corners that a hostile image has. Reading the grid is gozxing's.
package qr
