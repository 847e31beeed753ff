// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"teiten/internal/fault"
)

// cost is what one computation of argon2id takes (RFC 9106 section 3.1).
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// present are the parameters of new hashes: about 80 ms on one core of a small
// server. RFC 9106 section 4 would take 64 MiB; a portal that shares a small
// machine with its database takes half of it, one lane and as many passes.
var present = cost{memory: 32 << 10, passes: 3, lanes: 1}

// most bounds what a stored hash may ask for: a row that somebody changed must
// not exhaust the machine.
var most = cost{memory: 128 << 10, passes: 16, lanes: 4}

const (
	saltSize  = 16
	hashSize  = 32
	maxPHC    = 300
	maxAtOnce = 2               // computations, which is 64 MiB
	maxQueue  = 64              // people who wait for one
	maxWait   = 5 * time.Second // until they are told to come again
)

// phc is a stored hash in the PHC string format:
//
//	$argon2id$v=19$m=32768,t=3,p=1$salt$hash
type phc struct {
	cost
	salt, hash []byte
}

func (p phc) String() string {
	enc := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=" + strconv.Itoa(argon2.Version) + "$m=" + strconv.Itoa(int(p.memory)) + ",t=" + strconv.Itoa(int(p.passes)) +
		",p=" + strconv.Itoa(int(p.lanes)) + "$" + enc(p.salt) + "$" + enc(p.hash)
}

// parsePHC reads a stored hash. It takes only what String writes, within the
// bounds of most.
func parsePHC(s string) (phc, error) {
	wrong := fault.New(fault.Internal, "auth.hash")
	parts := strings.Split(s, "$")
	if len(s) > maxPHC || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, wrong
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return phc{}, wrong
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		text, ok := strings.CutPrefix(params[i], name)
		v, err := strconv.ParseUint(text, 10, 32)
		if !ok || err != nil || strconv.FormatUint(v, 10) != text {
			return phc{}, wrong
		}
		n[i] = v
	}
	if n[0] < 8*n[2] || n[0] > uint64(most.memory) || n[1] < 1 || n[1] > uint64(most.passes) || n[2] < 1 || n[2] > uint64(most.lanes) {
		return phc{}, wrong
	}
	p := phc{cost: cost{uint32(n[0]), uint32(n[1]), uint8(n[2])}}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.Strict().DecodeString(parts[4])
	p.hash, err2 = base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(p.salt) < 8 || len(p.salt) > 64 || len(p.hash) < 16 || len(p.hash) > 64 || p.String() != s {
		return phc{}, wrong
	}
	return p, nil
}

// nobody is the hash that a password is compared with when there is no account:
// refusing takes as long as it does for one that exists.
var nobody = func() phc {
	p := phc{cost: present, salt: make([]byte, saltSize), hash: make([]byte, hashSize)}
	rand.Read(p.salt)
	rand.Read(p.hash)
	return p
}()

// Cheapen makes new hashes cost next to nothing, for tests that make hundreds.
// It panics outside of a test program.
func Cheapen() {
	if !testing.Testing() {
		panic("auth: cheap hashes outside of a test")
	}
	charge(cost{memory: 8, passes: 1, lanes: 1})
}

func charge(c cost) {
	present = c
	nobody.cost = c
}

// gate lets few computations run at a time and few wait, so that a flood of
// sign-ins cannot exhaust the memory.
type gate struct {
	slots   chan struct{}
	waiting atomic.Int64
	runs    atomic.Int64 // computations so far
	wait    time.Duration
}

var hashing = &gate{slots: make(chan struct{}, maxAtOnce), wait: maxWait}

// run computes argon2id over a normalised password. Its fault is Unavailable
// when too many came before.
func (g *gate) run(ctx context.Context, password string, salt []byte, c cost, size int) ([]byte, error) {
	busy := fault.New(fault.Unavailable, "auth.busy")
	select {
	case g.slots <- struct{}{}:
	default:
		if g.waiting.Add(1) > maxQueue {
			g.waiting.Add(-1)
			return nil, busy
		}
		defer g.waiting.Add(-1)
		late := time.NewTimer(g.wait)
		defer late.Stop()
		select {
		case g.slots <- struct{}{}:
		case <-late.C:
			return nil, busy
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-g.slots }()
	g.runs.Add(1)
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(size)), nil
}

// hashPassword makes the hash that is stored of a password.
func hashPassword(ctx context.Context, password string) (string, error) {
	p := phc{cost: present, salt: make([]byte, saltSize)}
	rand.Read(p.salt)
	var err error
	p.hash, err = hashing.run(ctx, normalPassword(password), p.salt, p.cost, hashSize)
	return p.String(), err
}

// verifyPassword reports whether a password has the stored hash, and whether
// that hash was made with other parameters than today's. With no hash it takes
// as long and is false.
func verifyPassword(ctx context.Context, stored, password string) (ok, old bool, err error) {
	p := nobody
	if stored != "" {
		if p, err = parsePHC(stored); err != nil {
			return false, false, err
		}
	}
	got, err := hashing.run(ctx, normalPassword(password), p.salt, p.cost, len(p.hash))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, p.hash) == 1 && stored != ""
	return ok, ok && p.cost != present, nil
}
