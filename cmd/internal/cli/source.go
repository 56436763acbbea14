package cli

import (
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/knockon/knockon/catalog"
	"github.com/knockon/knockon/catalog/diag"
	"github.com/knockon/knockon/catalog/toml"
)

// mostLines is how many lines of a declaration are shown.
const mostLines = 24

// sourceLines shows declarations as they stand in the files of a catalog. A file is
// read again when it is first asked for; one that has gone shows nothing.
func sourceLines() func(diag.Span) string {
	files := make(map[string][]string)
	return func(at diag.Span) string {
		lines, ok := files[at.File]
		if !ok {
			lines = linesOf(at.File)
			files[at.File] = lines
		}
		if at.Line < 1 || at.Line > len(lines) {
			return ""
		}
		begin := at.Line - 1
		end := begin + 1
		for end < len(lines) && end-begin < mostLines && !strings.HasPrefix(strings.TrimSpace(lines[end]), "[") {
			end++
		}
		for end > begin+1 && (strings.TrimSpace(lines[end-1]) == "" || strings.HasPrefix(strings.TrimSpace(lines[end-1]), "#")) {
			end--
		}
		return strings.Join(lines[begin:end], "\n")
	}
}

// linesOf reads a file as messages name it.
func linesOf(name string) []string {
	var f fs.File
	var err error
	if name == "stdin" { // it has been read, and is not a file of that name
		return nil
	}
	if rest, ok := strings.CutPrefix(name, "builtin:"); ok {
		catalogName, path, _ := strings.Cut(rest, "/")
		source, known := catalog.Builtin(catalogName)
		if !known {
			return nil
		}
		f, err = source.FS.Open(strings.TrimSuffix(source.Path+"/"+path, "/"))
	} else {
		f, err = os.Open(name)
	}
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	data, err := io.ReadAll(io.LimitReader(f, toml.MaxBytes))
	if err != nil {
		return nil
	}
	return strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n")
}

// showsPage reports whether an output is a page, which also shows the lines of
// declarations and what an audit says.
func showsPage(plan []output) bool {
	for _, o := range plan {
		if o.format.Name == "html" {
			return true
		}
	}
	return false
}
