package importers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonValues calls visit with every JSON value of a file: one document, one value a
// line, or values with commas between them, as people cut them out of a list. It
// returns the first fault, with its line.
func jsonValues(data []byte, visit func(json.RawMessage) error) error {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	at := 0
	for {
		for at < len(data) && (data[at] <= ' ' || data[at] == ',') {
			at++
		}
		if at == len(data) {
			return nil
		}
		d := json.NewDecoder(bytes.NewReader(data[at:]))
		var value json.RawMessage
		err := d.Decode(&value)
		if err == nil {
			err = visit(value)
		}
		if err != nil {
			line := 1 + bytes.Count(data[:min(at+int(d.InputOffset()), len(data))], []byte("\n"))
			return fmt.Errorf("line %d: %w", line, jsonError(err))
		}
		at += int(d.InputOffset())
	}
}

// jsonError is the library's message without what it quotes from the file.
func jsonError(err error) error {
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("%q holds a %s, which does not belong there", kind.Field, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file ends in the middle")
	}
	return err
}

// looseNumber is a number that may stand in quotes, as JSON of protocol buffers has
// those of 64 bits.
type looseNumber float64

func (n *looseNumber) UnmarshalJSON(data []byte) error {
	var f float64
	if err := json.Unmarshal(bytes.Trim(data, `"`), &f); err != nil {
		*n = 0 // "NaN", "" and the like count nothing
		return nil
	}
	*n = looseNumber(f)
	return nil
}
