// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"encoding/binary"
	"errors"
	"time"

	"teiten/internal/disclose"
	"teiten/internal/mail"
)

// Kinds of features.
const (
	Sender  = "sender"  // address of the sender
	Shown   = "shown"   // name of the sender
	Domain  = "domain"  // registrable domain of the sender
	Subject = "subject" // without numbers and names
	URL     = "url"     // host and shape of an address in the mail
	Host    = "host"    // of an address
	Shape   = "shape"   // path and names of parameters of an address
	File    = "file"    // hash of an attachment
	Name    = "name"    // file name of an attachment, without numbers
	Body    = "body"    // three minima of the body's sketch
)

// The numbers of the kinds, as they are stored.
const (
	sender = iota
	shown
	domain
	subject
	address
	host
	shape
	file
	name
	body
	kindCount
)

// kinds gives each kind its weight, how many of it a print has at most, and how
// many of those are looked up.
var kinds = [kindCount]struct {
	name                  string
	weight, most, indexed int
}{
	{Sender, 10, 1, 1},
	{Shown, 4, 1, 0},
	{Domain, 6, 1, 0},
	{Subject, 18, 1, 1},
	{URL, 28, 6, 4},
	{Host, 16, 6, 4},
	{Shape, 16, 6, 2},
	{File, 35, 6, 4},
	{Name, 12, 6, 4},
	{Body, 3, bands, bands},
}

// indexed is how many features of a print are looked up at most.
const indexed = 20 + bands

// Feature is something that mails of a wave share.
type Feature struct {
	Kind   string // one of the constants
	Hash   int64  // under the installation's salt
	Weight int
	kind   int
}

// Print is a mail's fingerprint. It says nothing about a person.
type Print struct {
	Features []Feature
	Title    Sketch // of the subject
	Text     Sketch // of the body; that of no text when it is too short
	Length   int    // of the body, in characters that count: at most 8,192
}

// Empty reports whether there is nothing by which the mail could be told from
// others: it joins no wave.
func (p *Print) Empty() bool { return len(p.Features) == 0 }

// Seen is what others reported of the same wave, as far as the caller may know.
type Seen struct {
	Case         int64          // for analysts, and whom the case's advisory is for; else 0
	Advisory     int64          // the published advisory, if the caller may see it; else 0
	Institutions disclose.Shown // that reported it
	Own          int            // reports of the caller's institution
	// First is the first report's day, midnight in Tokyo. When the number of
	// institutions is hidden it is that of the caller's own, or zero.
	First     time.Time
	Alike     float64 // 0 to 1
	Dismissed bool    // for analysts: they found nothing dangerous in it
}

// Of makes the fingerprint of a mail. key is the store's keyed hash. It reads
// at most 512 KiB of the body and a bounded number of links and files.
func Of(m *mail.Message, key func(...string) int64) Print {
	if m == nil || m.Root == nil {
		return Print{}
	}
	w := &maker{message: m, key: key, seen: map[Feature]bool{}}
	w.who = recipients(m)
	w.sender()
	w.subject()
	w.files()
	w.body()
	return w.print
}

// version of the hashes, which it is part of: prints of another are never alike.
const version = "wave 1"

// maker makes one print.
type maker struct {
	message *mail.Message
	key     func(...string) int64
	who     people
	print   Print
	seen    map[Feature]bool
	count   [kindCount]int // of features
}

// add adds a feature that the print does not have, while there is room.
func (w *maker) add(kind int, parts ...string) {
	k := kinds[kind]
	if w.count[kind] >= k.most {
		return
	}
	f := Feature{Kind: k.name, Hash: w.key(append([]string{version, k.name}, parts...)...), Weight: k.weight, kind: kind}
	if !w.seen[f] {
		w.seen[f] = true
		w.count[kind]++
		w.print.Features = append(w.print.Features, f)
	}
}

// lookup are the hashes by which candidates are found.
func (p *Print) lookup() []int64 {
	var hashes []int64
	for kind, k := range kinds {
		n := 0
		for _, f := range p.Features {
			if f.kind == kind && n < k.indexed {
				hashes = append(hashes, f.Hash)
				n++
			}
		}
	}
	return hashes
}

// Forms in which prints are stored. The hashes in both are the same, so that a
// new print is compared with an old one, by minima.
const (
	withMinima = 1
	withWhole  = 2
)

// encode writes a print as it is stored.
func (p *Print) encode() []byte {
	b := make([]byte, 0, 16+9*len(p.Features)+p.Title.size()+p.Text.size())
	b = append(b, withWhole, byte(len(p.Features)))
	for _, f := range p.Features {
		b = append(b, byte(f.kind))
		b = binary.BigEndian.AppendUint64(b, uint64(f.Hash))
	}
	b = p.Title.append(b)
	b = p.Text.append(b)
	return binary.AppendUvarint(b, uint64(p.Length))
}

func (s *Sketch) size() int { return len(s.Minima) + 3*len(s.Whole) }

func (s *Sketch) append(b []byte) []byte {
	b = append(b, byte(len(s.Minima)))
	b = append(b, s.Minima...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Whole)))
	for _, v := range s.Whole {
		b = append(b, byte(v>>16), byte(v>>8), byte(v))
	}
	return b
}

var errPrint = errors.New("wave: a stored print is damaged")

// decode reads what encode wrote, and what it wrote in its first form.
func decode(b []byte) (p Print, err error) {
	take := func(n int) []byte {
		if n > len(b) {
			err = errPrint
			return make([]byte, n)
		}
		part := b[:n]
		b = b[n:]
		return part
	}
	head := take(2)
	if err != nil || head[0] != withMinima && head[0] != withWhole {
		return Print{}, errPrint
	}
	for range head[1] {
		f := take(9)
		if err != nil || int(f[0]) >= len(kinds) {
			return Print{}, errPrint
		}
		k := kinds[f[0]]
		p.Features = append(p.Features, Feature{Kind: k.name, Hash: int64(binary.BigEndian.Uint64(f[1:])), Weight: k.weight, kind: int(f[0])})
	}
	for _, s := range []*Sketch{&p.Title, &p.Text} {
		n := int(take(1)[0])
		if n != 0 && n != minimaCount {
			return Print{}, errPrint
		}
		if n > 0 {
			s.Minima = take(n)
		}
		if head[0] == withMinima {
			continue
		}
		count := int(binary.BigEndian.Uint16(take(2)))
		if err != nil || count > mostWhole || count > 0 && n == 0 {
			return Print{}, errPrint
		}
		for i := range count {
			v := take(3)
			run := uint32(v[0])<<16 | uint32(v[1])<<8 | uint32(v[2])
			if err != nil || i > 0 && run <= s.Whole[i-1] {
				return Print{}, errPrint
			}
			s.Whole = append(s.Whole, run)
		}
	}
	length, n := binary.Uvarint(b)
	if err != nil || n != len(b) || n <= 0 || length > maxLetters {
		return Print{}, errPrint
	}
	p.Length = int(length)
	return p, nil
}
