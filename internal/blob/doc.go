// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package blob keeps files that members hand in: specimens, attachments, what
// was imported. Each is an object with a random name, encrypted while it
// streams in, with a key of its own; plaintext never touches the disk. The
// object's key lies in the database, wrapped by a key made from the
// installation's key, which lies in the data folder and in no backup.
//
// On disk an object is AES-256-GCM-HKDF in segments of 1 MiB, as Tink's
// Streaming AEAD writes it, with the object's name as associated data: files
// cannot be swapped, cut or altered without notice. Its row in table blob is
// written in the transaction of whatever the object belongs to; a file without
// a row is rubbish, which Sweep removes.
package blob
