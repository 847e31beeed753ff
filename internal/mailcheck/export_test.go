// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

// Zipped and Code write files for the tests outside this package too.

func Zipped(locked bool, names ...string) []byte { return []byte(zipped(locked, names...)) }

func Code(text string) []byte { return []byte(code(text)) }
