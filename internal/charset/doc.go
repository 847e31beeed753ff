// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package charset turns bytes of mail into text. What a mail says of its own
// character set is a hint: the bytes decide.
//
// Japanese is read as Windows wrote it, which is what mail programs do whatever
// the label says: ISO-2022-JP and all its kin by one decoder that follows the
// escape sequences (ISO/IEC 2022; RFC 1468, 1554, 2237; CP50220 to CP50222),
// Shift_JIS as CP932 and EUC-JP as CP51932, so that 〜 is U+FF5E and ①, ㈱ and 髙
// are themselves. What is damaged (an escape byte lost on the way, a shift that
// is never closed, eight-bit bytes between escapes) is read as it was meant.
package charset
