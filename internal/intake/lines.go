// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bufio"
	"bytes"
	"io"

	"teiten/internal/fault"
)

// lines reads a text line by line. A line over MaxLine is skipped in constant
// memory and reported.
type lines struct {
	r     *bufio.Reader
	n     int64  // number of the line last returned
	ahead []line // read ahead and given back
}

type line struct {
	text string
	err  error
}

const lineLong = "import.line_long"

// counts reports whether the line has a number: what ends a file has none.
func (l line) counts() bool { return l.err == nil || fault.Code(l.err) == lineLong }

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, MaxLine+2)}
}

// next returns a line without its end. The error is io.EOF at the end, a fault
// of code import.line_long for a line that was skipped, and otherwise what ends
// the file: then what was read of its last line is no line.
func (l *lines) next() (string, error) {
	var next line
	if len(l.ahead) > 0 {
		next, l.ahead = l.ahead[0], l.ahead[1:]
	} else {
		next.text, next.err = l.read()
	}
	if next.counts() {
		l.n++
	}
	return next.text, next.err
}

func (l *lines) read() (string, error) {
	b, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		for err == bufio.ErrBufferFull {
			_, err = l.r.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return "", unread(err)
		}
		return "", fault.New(fault.TooLarge, lineLong, "most", MaxLine>>20)
	}
	if err != nil && err != io.EOF {
		return "", unread(err)
	}
	if len(b) == 0 {
		return "", io.EOF
	}
	b = bytes.TrimSuffix(b, []byte{'\n'})
	return string(bytes.TrimSuffix(b, []byte{'\r'})), nil
}

// back gives the lines last returned back, in order.
func (l *lines) back(again []line) {
	l.ahead = append(again[:len(again):len(again)], l.ahead...)
	for _, a := range again {
		if a.counts() {
			l.n--
		}
	}
}
