// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package caller says on whose behalf an operation runs. Every operation takes
// a Caller explicitly: there is no ambient user, and no operation without one.
package caller

import (
	"teiten/internal/fault"
	"teiten/internal/tlp"
)

// Role is what an account may do, in the words of the design.
type Role string

const (
	Operator  Role = "operator"  // runs the ISAC's register and this program
	Analyst   Role = "analyst"   // triages and publishes for the ISAC
	Contact   Role = "contact"   // an institution's security contact
	Staff     Role = "staff"     // a member of an institution's staff
	Executive Role = "executive" // reads an institution's state
	Machine   Role = "machine"   // a proxy, resolver, firewall or SIEM
)

// Roles are all roles.
var Roles = []Role{Operator, Analyst, Contact, Staff, Executive, Machine}

// OrgKind is the kind of an organisation, which bounds what TLP lets it see.
type OrgKind string

const (
	ISAC        OrgKind = "isac"
	Institution OrgKind = "institution"
	Vendor      OrgKind = "vendor"
	Outside     OrgKind = "outside"
)

// OrgKinds are all kinds of organisation.
var OrgKinds = []OrgKind{ISAC, Institution, Vendor, Outside}

// Caller is who asks. The zero Caller may see and do nothing.
type Caller struct {
	Account int64  // 0 for the program itself
	Name    string // for the audit record and the page's corner
	Org     int64
	OrgName string
	OrgKind OrgKind
	Role    Role
	Channel string // web, api, cli or system
	Device  int64  // the certificate that was shown, 0 for none
	Token   int64  // a machine's token, 0 for none
}

// System is the program acting for itself: jobs, collectors, migrations.
func System(job string) Caller {
	return Caller{Name: "system:" + job, OrgKind: ISAC, Role: Operator, Channel: "system"}
}

// Ceiling is the narrowest level that the caller may see of other
// organisations' information: the SQL predicate of every read is
//
//	(x.tlp <= ceiling OR x.org = own)
//
// -1 means nothing at all.
func (c Caller) Ceiling() tlp.Level {
	switch {
	case c.OrgKind == ISAC && (c.Role == Analyst || c.Role == Operator):
		return tlp.Red
	case c.OrgKind == ISAC || c.OrgKind == Institution:
		return tlp.AmberStrict
	case c.OrgKind == Vendor:
		return tlp.Amber
	case c.OrgKind == Outside:
		return tlp.Green
	default:
		return -1
	}
}

// Is reports whether the caller has one of the roles.
func (c Caller) Is(roles ...Role) bool {
	for _, r := range roles {
		if c.Role == r {
			return true
		}
	}
	return false
}

// Need returns a fault unless the caller has one of the roles.
func (c Caller) Need(roles ...Role) error {
	if c.Is(roles...) {
		return nil
	}
	return fault.New(fault.Forbidden, "fault.forbidden")
}
