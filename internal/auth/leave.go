// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import "teiten/internal/member"

// Whoever leaves has no session any more.
func init() { member.OnLeave(EndAllOf) }
