// Command conformance checks the output of Indelible with the transparency log packages of the Go project.
//
// Every decision about signatures, hashes and proofs is made by golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog.
// Written here are only the differences between Go's checksum database and C2SP tlog-tiles: paths, entry bundles, the first line
// of a checkpoint, cosignatures and the .tlog-proof file.
//
// Exit status: 0 accepted, 1 rejected (the reason is printed), 2 the check could not be made.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// A rejection says what is wrong with the evidence; any other error is a fault of whoever runs the check.
type rejection struct{ error }

func (r rejection) Unwrap() error { return r.error }

func reject(format string, args ...any) error {
	return rejection{fmt.Errorf(format, args...)}
}

type command struct {
	name  string
	about string
	run   func(args []string, stdin io.Reader, stdout io.Writer) error
}

var commands = []command{
	{"tiles", "check a tlog-tiles directory: checkpoint, tiles, every entry, random proofs", runTiles},
	{"proofs", "check inclusion and consistency proofs in a JSON file", runProofs},
	{"tlog-proof", "check a .tlog-proof file against an entry", runTlogProof},
	{"open", "open the signed note on standard input and print its text", runOpen},
	{"keygen", "generate an Ed25519 key pair for notes", runKeygen},
	{"sign", "sign the text on standard input as a note", runSign},
	{"cosign", "add a cosignature (type 0x04) to the note on standard input", runCosign},
}

func main() {
	if len(os.Args) > 1 {
		for _, c := range commands {
			if c.name == os.Args[1] {
				os.Exit(exitCode(c.run(os.Args[2:], os.Stdin, os.Stdout)))
			}
		}
	}
	fmt.Fprintln(os.Stderr, "usage: conformance COMMAND [flags]")
	for _, c := range commands {
		fmt.Fprintf(os.Stderr, "  %-11s %s\n", c.name, c.about)
	}
	os.Exit(2)
}

func exitCode(err error) int {
	var rejected rejection
	switch {
	case err == nil:
		return 0
	case errors.As(err, &rejected):
		fmt.Fprintln(os.Stderr, "rejected:", err)
		return 1
	default:
		fmt.Fprintln(os.Stderr, "cannot check:", err)
		return 2
	}
}

// trustFlags are the keys that the caller brings along.
type trustFlags struct {
	origin    string
	key       string
	cosigners stringList
}

func (t *trustFlags) register(flags *flag.FlagSet) {
	flags.StringVar(&t.origin, "origin", "", "origin line that the checkpoint must have")
	flags.StringVar(&t.key, "key", "", "verifier key of the log (type 0x01)")
	flags.Var(&t.cosigners, "cosigner", "verifier key of a witness (type 0x04) that must have cosigned; may be repeated")
}

type stringList []string

func (l *stringList) String() string { return fmt.Sprint(*l) }

func (l *stringList) Set(value string) error {
	*l = append(*l, value)
	return nil
}
