// Command knockon tells what falls when a service fails.
package main

import (
	"os"

	"github.com/knockon/knockon/cmd/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Stdio{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
