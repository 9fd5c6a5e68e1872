package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// proofFile is what another program claims to have proved. Hashes are base64.
type proofFile struct {
	Inclusion []struct {
		Index    int64       `json:"index"`
		TreeSize int64       `json:"treeSize"`
		Root     tlog.Hash   `json:"root"`
		LeafHash tlog.Hash   `json:"leafHash"`
		Proof    []tlog.Hash `json:"proof"`
	} `json:"inclusion"`
	Consistency []struct {
		OldSize int64       `json:"oldSize"`
		OldRoot tlog.Hash   `json:"oldRoot"`
		NewSize int64       `json:"newSize"`
		NewRoot tlog.Hash   `json:"newRoot"`
		Proof   []tlog.Hash `json:"proof"`
	} `json:"consistency"`
}

// runProofs prints one line for each proof, so that one run can check good and bad ones.
func runProofs(args []string, _ io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("proofs", flag.ContinueOnError)
	path := flags.String("file", "", "JSON file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*path)
	if err != nil {
		return err
	}
	var file proofFile
	if err := json.Unmarshal(text, &file); err != nil {
		return err
	}
	rejected := 0
	report := func(what string, err error) {
		if err != nil {
			rejected++
			fmt.Fprintf(stdout, "rejected: %s: %v\n", what, err)
			return
		}
		fmt.Fprintf(stdout, "accepted: %s\n", what)
	}
	for _, p := range file.Inclusion {
		report(fmt.Sprintf("%d in %d", p.Index, p.TreeSize), tlog.CheckRecord(p.Proof, p.TreeSize, p.Root, p.Index, p.LeafHash))
	}
	for _, p := range file.Consistency {
		report(fmt.Sprintf("%d to %d", p.OldSize, p.NewSize), tlog.CheckTree(p.Proof, p.NewSize, p.NewRoot, p.OldSize, p.OldRoot))
	}
	if rejected > 0 {
		return reject("%d proofs", rejected)
	}
	return nil
}

// runTlogProof checks that a .tlog-proof file proves an entry (C2SP tlog-proof).
func runTlogProof(args []string, _ io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("tlog-proof", flag.ContinueOnError)
	var trust trustFlags
	trust.register(flags)
	proofPath := flags.String("proof", "", ".tlog-proof file")
	entryPath := flags.String("entry", "", "file with the bytes of the entry")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*proofPath)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(*entryPath)
	if err != nil {
		return err
	}
	index, proof, checkpoint, err := parseTlogProof(text)
	if err != nil {
		return reject("tlog-proof: %w", err)
	}
	tree, err := openCheckpoint(checkpoint, trust)
	if err != nil {
		return err
	}
	if index >= tree.N {
		return reject("tlog-proof: index %d is not in a tree of %d", index, tree.N)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return reject("tlog-proof: %w", err)
	}
	fmt.Fprintf(stdout, "accepted: entry %d of %d\n", index, tree.N)
	return nil
}

func parseTlogProof(text []byte) (index int64, proof tlog.RecordProof, checkpoint []byte, err error) {
	header, checkpoint, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return 0, nil, nil, errors.New("no empty line before the checkpoint")
	}
	lines := strings.Split(string(header), "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return 0, nil, nil, fmt.Errorf("first line is %q", lines[0])
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return 0, nil, nil, errors.New("no index")
	}
	decimal, found := strings.CutPrefix(lines[0], "index ")
	index, err = strconv.ParseInt(decimal, 10, 64)
	if !found || err != nil || index < 0 || strconv.FormatInt(index, 10) != decimal {
		return 0, nil, nil, fmt.Errorf("index line is %q", lines[0])
	}
	for _, line := range lines[1:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return 0, nil, nil, fmt.Errorf("hash line is %q", line)
		}
		proof = append(proof, tlog.Hash(hash))
	}
	return index, proof, checkpoint, nil
}
