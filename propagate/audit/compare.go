package audit

// Compare tells the open findings that are new in the newer of two audits from those
// that are gone: by rule and subject, wherever they stand.
func Compare(older, newer *Result) (fresh, fixed []Finding) {
	return missing(newer, older), missing(older, newer)
}

// missing are the open findings of one audit that the other does not have open.
func missing(from, in *Result) (found []Finding) {
	has := make(map[string]bool)
	for i := range in.Findings {
		if f := &in.Findings[i]; f.State == Open {
			has[f.Fingerprint()] = true
		}
	}
	for i := range from.Findings {
		if f := &from.Findings[i]; f.State == Open && !has[f.Fingerprint()] {
			found = append(found, *f)
		}
	}
	return found
}
