// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package advisory is shared information (情報): an item of one of four
// categories that a member registers, an analyst reviews and publishes, and
// every member for whom its TLP is meant can read. Once published it is never
// changed silently: it is corrected or withdrawn, with a reason, and every
// revision is kept.
package advisory
