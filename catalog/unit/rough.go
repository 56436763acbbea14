package unit

import (
	"math"
	"strconv"
)

// FromSeconds is a duration of so many seconds, to the nanosecond.
func FromSeconds(s float64) Duration { return Duration(math.Round(s * 1e9)) }

// Rough is a number to three digits, for people.
func Rough(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return x
	}
	return y
}
