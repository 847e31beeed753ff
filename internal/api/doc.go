// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package api is the portal for machines: JSON over HTTP under /api/v1. It
// says the same as the pages and asks the same nouns, so that neither can do
// what the other may not.
//
// One table names every operation with the roles that may call it; the OpenAPI
// 3.1 document (docs/openapi.yaml) is generated from it and from the types of
// requests and answers. What is documented is what is checked: unknown fields
// and parameters are refused by name, and so is anything beyond a limit.
//
// Errors are problem documents (RFC 9457) whose code is the fault's, and whose
// sentence is the one that people see on a page, in the language that
// Accept-Language asks for.
//
// Indicators are raw normalised values, never defanged: programs compare them.
// What people look up stands in no log.
package api
