// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
)

// within fails the test if fn takes longer or allocates more than it may.
func within(t *testing.T, name string, limit time.Duration, most uint64, fn func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	fn()
	d := time.Since(start)
	runtime.ReadMemStats(&after)
	if d > limit {
		t.Errorf("%s: took %v", name, d)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%s: allocated %d MiB", name, n>>20)
	}
	t.Logf("%-28s %8v %5d MiB", name, d.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)>>20)
}

func TestSizes(t *testing.T) {
	// On both sides of the mini stream, of a sector, and large enough for FAT
	// sectors that only a DIFAT names (beyond 109 of them: 7 MiB).
	for _, n := range []int{0, 1, 63, 64, 65, 511, 512, 513, 4095, 4096, 4097, 100_000, 9 << 20, 20 << 20} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 7 >> (i % 5))
		}
		b := outlooktest.Msg(outlook.Item{Subject: "x", Attachments: []outlook.Attachment{{Name: "a", Data: data}, {Name: "b", Data: data}}}, outlooktest.Options{})
		got, err := outlook.ReadMsg(b, outlook.Limits{})
		if err != nil || len(got.Repairs) > 0 {
			t.Fatalf("%d: %v, %v", n, err, got.Repairs)
		}
		for _, a := range got.Attachments {
			if !bytes.Equal(a.Data, data) {
				t.Errorf("%d bytes: got %d others", n, len(a.Data))
			}
		}
	}
}

func TestLimits(t *testing.T) {
	// Depth.
	item := outlook.Item{Subject: "0"}
	for range 3 {
		inside := item
		item = outlook.Item{Subject: "x", Attachments: []outlook.Attachment{{Name: "m", Item: &inside}}}
	}
	data := make([]byte, 10_000)
	many := outlook.Item{Subject: "x", To: []outlook.Person{{Name: "a"}, {Name: "b"}}}
	for range 20 {
		many.Attachments = append(many.Attachments, outlook.Attachment{Name: "a", Data: data})
	}
	for _, c := range []struct {
		name   string
		item   outlook.Item
		limits outlook.Limits
		code   string
	}{
		{"depth 3 of 3", item, outlook.Limits{Depth: 3}, ""},
		{"depth 3 of 2", item, outlook.Limits{Depth: 2}, "outlook.too_deep"},
		{"22 parts of 22", many, outlook.Limits{Parts: 22}, ""},
		{"22 parts of 21", many, outlook.Limits{Parts: 21}, "outlook.too_many"},
		{"200,000 bytes of 210,000", many, outlook.Limits{Bytes: 210_000}, ""},
		{"200,000 bytes of 199,999", many, outlook.Limits{Bytes: 199_999}, "outlook.too_big"},
	} {
		_, err := outlook.ReadMsg(outlooktest.Msg(c.item, outlooktest.Options{}), c.limits)
		if fault.Code(err) != c.code || err != nil && !fault.Is(err, fault.TooLarge) {
			t.Errorf("msg, %s: %v", c.name, err)
		}
		_, err = outlook.ReadTNEF(outlooktest.TNEF(c.item, outlooktest.Options{}), c.limits)
		if fault.Code(err) != c.code {
			t.Errorf("TNEF, %s: %v", c.name, err)
		}
	}
	for len(many.Attachments) < 1998 {
		many.Attachments = append(many.Attachments, outlook.Attachment{Name: fmt.Sprint(len(many.Attachments)), Data: data[:len(many.Attachments)]})
	}
	got, err := outlook.ReadMsg(outlooktest.Msg(many, outlooktest.Options{}), outlook.Limits{})
	if err != nil || len(got.Attachments) != 1998 || got.Attachments[1997].Name != "1997" || len(got.Attachments[1997].Data) != 1997 {
		t.Errorf("2,000 parts: %v", err)
	}
	bomb := outlooktest.Msg(outlook.Item{Subject: "x"}, outlooktest.Options{RTF: bytes.Repeat([]byte("A"), 4<<20)})
	if _, err := outlook.ReadMsg(bomb, outlook.Limits{Bytes: 2 << 20}); fault.Code(err) != "outlook.too_big" {
		t.Errorf("RTF bomb: %v", err)
	}
}

func put32(b []byte, at int, v uint32) []byte {
	c := bytes.Clone(b)
	binary.LittleEndian.PutUint32(c[at:], v)
	return c
}

// TestHostileMsg damages a file in every way in which its parts can be made to
// lead astray, and holds that it is read or refused soon and cheaply.
func TestHostileMsg(t *testing.T) {
	item := letter()
	item.Attachments = append(item.Attachments, outlook.Attachment{Name: "large", Data: make([]byte, 300_000)})
	b := outlooktest.Msg(item, outlooktest.Options{})
	dir := 512 * (1 + int(binary.LittleEndian.Uint32(b[48:])))
	fat := 512 * (1 + int(binary.LittleEndian.Uint32(b[76:])))
	entries := 0
	for at := dir; at+128 <= len(b) && b[at+66] != 0; at += 128 {
		entries++
	}
	files := map[string][]byte{}
	all := bytes.Clone(b) // every chain a circle of one
	for i := range 128 {
		binary.LittleEndian.PutUint32(all[fat+4*i:], uint32(i))
	}
	files["chains in circles"] = all
	back := bytes.Clone(b) // every chain leads to the start of the file
	for i := range 128 {
		binary.LittleEndian.PutUint32(back[fat+4*i:], 0)
	}
	files["chains to the start"] = back
	files["FAT is its own"] = put32(b, 76, 0)
	files["DIFAT in a circle"] = put32(put32(b, 68, 0), 76, 0xFFFFFFFF)
	files["directory nowhere"] = put32(b, 48, 0xFFFFFFF0)
	files["mini FAT nowhere"] = put32(b, 60, 0x7FFFFFFF)
	huge, tree, own, crossed := bytes.Clone(b), bytes.Clone(b), bytes.Clone(b), bytes.Clone(b)
	for i := range entries {
		at := dir + 128*i
		if b[at+66] == 2 {
			binary.LittleEndian.PutUint32(huge[at+120:], 0xFFFFFFFF)
			binary.LittleEndian.PutUint32(huge[at+124:], 0x7FFFFFFF)
			binary.LittleEndian.PutUint32(crossed[at+116:], 0)
			binary.LittleEndian.PutUint32(crossed[at+120:], 0xFFFFFFFF)
		}
		binary.LittleEndian.PutUint32(tree[at+68:], uint32(i))
		binary.LittleEndian.PutUint32(tree[at+72:], 1)
		if b[at+66] == 1 {
			binary.LittleEndian.PutUint32(own[at+76:], 1)
			binary.LittleEndian.PutUint32(own[at+68:], 0)
		}
	}
	files["streams of 4 GB"] = huge
	files["streams all the same"] = crossed
	files["siblings in circles"] = tree
	files["storages in themselves"] = own
	files["version 4"] = append(append(append([]byte{}, b[:26]...), 4, 0, 0xFE, 0xFF, 12, 0), b[32:]...)
	for name, file := range files {
		within(t, name, 10*time.Second, 64<<20, func() {
			got, err := outlook.ReadMsg(file, outlook.Limits{})
			if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil && len(got.Repairs) == 0 {
				t.Errorf("%s: nothing was noted", name)
			}
		})
	}
	// Sizes that lie are cut, and the rest is read.
	got, err := outlook.ReadMsg(files["storages in themselves"], outlook.Limits{})
	if err != nil || got.Subject != item.Subject || !has(got.Repairs, "outlook.repair_tree") {
		t.Errorf("storages in themselves: %+v, %v", got, err)
	}
}

// metadataFirst puts the FAT, the directory and the mini FAT in front, as Outlook
// does, so that a cut file still has them.
func metadataFirst(b []byte) []byte {
	get := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	sectors := len(b)/512 - 1
	var table []uint32
	var order []uint32
	for i := range get(44) {
		fat := get(76 + 4*int(i))
		order = append(order, fat)
		for at := range 128 {
			table = append(table, get(512*(1+int(fat))+4*at))
		}
	}
	for _, start := range []uint32{get(48), get(60)} {
		for ; start < 0xFFFFFFFA; start = table[start] {
			order = append(order, start)
		}
	}
	for i := range uint32(sectors) {
		if !slices.Contains(order, i) {
			order = append(order, i)
		}
	}
	place := map[uint32]uint32{}
	for i, sector := range order {
		place[sector] = uint32(i)
	}
	out := bytes.Clone(b)
	move := func(at int) {
		if v, ok := place[binary.LittleEndian.Uint32(out[at:])]; ok {
			binary.LittleEndian.PutUint32(out[at:], v)
		}
	}
	for sector := get(48); sector < 0xFFFFFFFA; sector = table[sector] {
		for at := 512 * (1 + int(sector)); at < 512*(2+int(sector)); at += 128 {
			if kind := b[at+66]; kind == 5 || kind == 2 && get(at+120) >= 4096 {
				move(at + 116)
			}
		}
	}
	sorted := bytes.Clone(out[:512])
	for _, sector := range order {
		sorted = append(sorted, out[512*(1+int(sector)):512*(2+int(sector))]...)
	}
	// FAT entries are by place as well.
	moved := make([]uint32, len(table))
	for i := range table {
		moved[i] = 0xFFFFFFFF
	}
	for sector, to := range place {
		v := table[sector]
		if next, ok := place[v]; ok {
			v = next
		}
		moved[to] = v
	}
	for i := range get(44) {
		for at := range 128 {
			binary.LittleEndian.PutUint32(sorted[512*(1+int(i))+4*at:], moved[128*int(i)+at])
		}
		binary.LittleEndian.PutUint32(sorted[76+4*int(i):], i)
	}
	for _, at := range []int{48, 60} {
		if to, ok := place[get(at)]; ok {
			binary.LittleEndian.PutUint32(sorted[at:], to)
		}
	}
	return sorted
}

// TestTruncated cuts a file everywhere: no cut may be fatal to what is whole.
func TestTruncated(t *testing.T) {
	item := letter()
	b := metadataFirst(outlooktest.Msg(item, outlooktest.Options{HTMLInRTF: true}))
	whole, err := outlook.ReadMsg(b, outlook.Limits{})
	if err != nil || len(whole.Repairs) > 0 || whole.Subject != item.Subject {
		t.Fatalf("sectors in another order: %v", err)
	}
	read := 0
	for n := 0; n < len(b); n += 256 {
		got, err := outlook.ReadMsg(b[:n], outlook.Limits{})
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%d bytes: %v", n, err)
			}
			continue
		}
		read++
		// The last sector may be padding only.
		if len(got.Repairs) == 0 && !reflect.DeepEqual(got, whole) {
			t.Errorf("%d of %d bytes: nothing was noted", n, len(b))
		}
	}
	t.Logf("%d of %d cuts could be read", read, len(b)/256)
	if read < 100 {
		t.Errorf("only %d cuts could be read", read)
	}
	b = outlooktest.TNEF(item, outlooktest.Options{HTMLInRTF: true})
	for n := 6; n < len(b); n += 17 {
		got, err := outlook.ReadTNEF(b[:n], outlook.Limits{})
		if err != nil {
			t.Fatalf("TNEF, %d bytes: %v", n, err)
		}
		if n > 400 && got.Subject != item.Subject {
			t.Errorf("TNEF, %d bytes: subject %q", n, got.Subject)
		}
	}
}

func TestNotMsg(t *testing.T) {
	word := (&outlook.Storage{Streams: []outlook.Stream{{Name: "WordDocument", Data: []byte("x")}}}).Encode()
	for _, c := range []struct {
		b    []byte
		code string
	}{{nil, "outlook.not_msg"}, {[]byte("From: a\r\n"), "outlook.not_msg"}, {word, "outlook.not_msg"}, {word[:100], "outlook.damaged"}} {
		if _, err := outlook.ReadMsg(c.b, outlook.Limits{}); fault.Code(err) != c.code {
			t.Errorf("%.10q: %v, want %s", c.b, err, c.code)
		}
	}
	if !outlook.IsMsg(word) || outlook.IsMsg(nil) || outlook.IsTNEF(word) {
		t.Error("what a file is")
	}
	for _, b := range [][]byte{nil, []byte("x"), {0x78, 0x9F, 0x3E, 0x22}} {
		if _, err := outlook.ReadTNEF(b, outlook.Limits{}); fault.Code(err) != "outlook.not_tnef" {
			t.Errorf("%x: %v", b, err)
		}
	}
}

// TestOLE takes files out of embedded objects.
func TestOLE(t *testing.T) {
	packed := binary.LittleEndian.AppendUint32(nil, 0)
	packed = append(packed, "\x02\x00"+"run.js\x00C:\\x\\run.js\x00\x00\x00\x03\x00\x04\x00\x00\x00C:\\\x00"...)
	packed = binary.LittleEndian.AppendUint32(packed, 5)
	packed = append(packed, "hello"...)
	for _, c := range []struct {
		name, file string
		object     *outlook.Storage
		want       []byte
	}{
		{"packager", "run.js", &outlook.Storage{Streams: []outlook.Stream{{Name: "\x01Ole10Native", Data: packed}}}, []byte("hello")},
		{"contents", "object", &outlook.Storage{Streams: []outlook.Stream{{Name: "CONTENTS", Data: []byte("%PDF")}}}, []byte("%PDF")},
		{"document", "object", &outlook.Storage{Streams: []outlook.Stream{{Name: "WordDocument", Data: make([]byte, 5000)}},
			Storages: []*outlook.Storage{{Name: "Macros", Streams: []outlook.Stream{{Name: "dir", Data: []byte("x")}}}}}, nil},
	} {
		root := outlooktest.MsgStorage(outlook.Item{Subject: "x", Attachments: []outlook.Attachment{{Name: "object", OLE: true}}}, outlooktest.Options{})
		for _, s := range root.Storages {
			if strings.HasPrefix(s.Name, "__attach") {
				c.object.Name = "__substg1.0_3701000D"
				s.Storages = append(s.Storages, c.object)
			}
		}
		got, err := outlook.ReadMsg(root.Encode(), outlook.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		a := got.Attachments[0]
		want := c.want
		if want == nil {
			c.object.Name = ""
			want = c.object.Encode()
		}
		if !a.OLE || a.Name != c.file || !bytes.Equal(a.Data, want) {
			t.Errorf("%s: OLE %v, %q, %d bytes, want %d", c.name, a.OLE, a.Name, len(a.Data), len(want))
		}
	}
}

func TestTNEFRepairs(t *testing.T) {
	item := letter()
	whole := outlooktest.TNEF(item, outlooktest.Options{CodePage: 932})
	sum := bytes.Clone(whole)
	sum[len(sum)-1] ^= 1
	noStart := outlooktest.Attribute([]byte{0x78, 0x9F, 0x3E, 0x22, 1, 2}, 2, 0x0006800F, []byte("data"))
	for _, c := range []struct {
		name, code string
		b          []byte
	}{
		{"wrong checksum", "outlook.repair_checksum", sum},
		{"trailing text", "outlook.repair_trailing", append(bytes.Clone(whole), "-- \r\nfooter"...)},
		{"trailing line breaks", "", append(bytes.Clone(whole), "\r\n\r\n"...)},
		{"an attachment without a start", "outlook.repair_attribute", noStart},
	} {
		got, err := outlook.ReadTNEF(c.b, outlook.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if c.code == "" && len(got.Repairs) > 0 || c.code != "" && !has(got.Repairs, c.code) {
			t.Errorf("%s: %v", c.name, got.Repairs)
		}
		if len(got.Attachments) == 0 {
			t.Errorf("%s: no attachments", c.name)
		}
	}
}

// Files that are read twice are read alike, and by what they are.
func sameTwice(t *testing.T, read func() (*outlook.Item, error)) {
	t.Helper()
	a, err := read()
	b, again := read()
	if fmt.Sprint(err) != fmt.Sprint(again) || !reflect.DeepEqual(a, b) {
		t.Fatal("read differently the second time")
	}
	if err != nil {
		if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Fatalf("no reason: %v", err)
		}
		return
	}
	if parts, depth, size := measure(a); parts > small.Parts || depth > small.Depth || size > 8*small.Bytes {
		t.Fatalf("%d parts, %d deep, %d bytes", parts, depth, size)
	}
}

var small = outlook.Limits{Depth: 3, Parts: 20, Bytes: 1 << 20}

func measure(i *outlook.Item) (parts, depth int, size int64) {
	parts = len(i.To) + len(i.Cc) + len(i.Bcc) + len(i.ReplyTo) + len(i.Attachments)
	size = int64(len(i.Headers) + len(i.Subject) + len(i.Text) + len(i.HTML) + len(i.Other))
	for _, a := range i.Attachments {
		size += int64(len(a.Data) + len(a.Name))
		if a.Item != nil {
			p, d, s := measure(a.Item)
			parts, depth, size = parts+p, max(depth, d+1), size+s
		}
	}
	return parts, depth, size
}
