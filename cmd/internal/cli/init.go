package cli

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

//go:embed starter.toml
var starter []byte

func newInit(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "init [FILE]",
		Short: "A small catalog with comments, to begin with",
		Long: `Init writes a catalog of six services that shows how a catalog is written, with
comments. It is knockon.toml where no other name is given; - is stdout. A file that
exists is left alone.`,
		Example: `  knockon init
  knockon init shop.toml
  knockon init - | less`,
		Args: atMost(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := defaultFile
			if len(args) > 0 {
				file = args[0]
			}
			if file == "-" {
				_, err := a.Out.Write(starter)
				return err
			}
			if _, err := os.Lstat(file); err == nil {
				return usagef("%s is there already, and stays as it is", file)
			} else if !errors.Is(err, fs.ErrNotExist) {
				return usagef("cannot write %s: %w", file, reason(err))
			}
			if err := writeFile(file, starter); err != nil {
				return usagef("cannot write %s: %w", file, err)
			}
			fmt.Fprintf(a.Err, "knockon: wrote %s; try \"knockon blast database -c %s\"\n", file, file)
			return nil
		},
	}
	return c
}
