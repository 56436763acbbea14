package diag

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWord is the length of a word up to which anything is suggested for it.
const maxWord = 100

// Nearest returns the candidate most like word, or "" when none is near enough
// to be worth suggesting. Likeness is the optimal string alignment distance
// (Damerau 1964: insert, delete, replace, swap neighbours), case folded; up to a
// third of the word may differ. Ties go to the candidate that sorts first.
func Nearest(word string, candidates []string) string {
	if len(word) > maxWord {
		return ""
	}
	folded := []rune(strings.ToLower(word))
	limit := (len(folded) + 1) / 3
	best, bestDistance := "", limit+1
	var other []rune
	var rows distanceRows
	for _, c := range candidates {
		// Counting first is cheap; a catalog has many names.
		if diff := utf8.RuneCountInString(c) - len(folded); c == word || diff > limit || -diff > limit {
			continue
		}
		other = other[:0]
		for _, r := range c {
			other = append(other, unicode.ToLower(r))
		}
		d := rows.distance(folded, other, limit)
		if d < bestDistance || d == bestDistance && c < best {
			best, bestDistance = c, d
		}
	}
	return best
}

// Closest returns the nearest candidate, else the only one that begins with word
// ("fraud" for "fraud-score") or that word begins with; "" when there is none.
func Closest(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return near
	}
	if longer := lengthened(word, candidates); len(longer) == 1 {
		return longer[0]
	}
	return ""
}

// DidYouMean is the help for a misspelt word: the closest candidate, else a list
// where there are few of them.
func DidYouMean(word string, candidates []string) string {
	if near := Closest(word, candidates); near != "" {
		return `did you mean "` + near + `"?`
	}
	if longer := lengthened(word, candidates); len(longer) > 0 {
		candidates = longer
	}
	const few = 8
	if len(candidates) == 0 || len(candidates) > few {
		return ""
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return `use one of "` + strings.Join(sorted, `", "`) + `"`
}

// lengthened returns the candidates that begin with word, or that word begins with.
func lengthened(word string, candidates []string) []string {
	const least = 3
	var found []string
	for _, c := range candidates {
		if len(word) >= least && len(c) >= least && c != word && (strings.HasPrefix(c, word) || strings.HasPrefix(word, c)) {
			found = append(found, c)
		}
	}
	return found
}

// distanceRows is the memory of distance.
type distanceRows [3][maxWord*2 + 1]int

// distance is the optimal string alignment distance of a and b, or limit+1 when
// it is greater than limit. Of b, only what is near a in length has room.
func (rows *distanceRows) distance(a, b []rune, limit int) int {
	before, last, row := rows[0][:len(b)+1], rows[1][:len(b)+1], rows[2][:len(b)+1]
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit+1)
}
