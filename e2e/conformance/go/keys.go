package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// runOpen prints the text of a note that one of the keys signed.
func runOpen(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("open", flag.ContinueOnError)
	var keys stringList
	flags.Var(&keys, "key", "verifier key; may be repeated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var known []note.Verifier
	for _, vkey := range keys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return reject("key: %w", err)
		}
		known = append(known, verifier)
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	opened, err := note.Open(text, note.VerifierList(known...))
	if err != nil {
		return reject("note: %w", err)
	}
	_, err = io.WriteString(stdout, opened.Text)
	return err
}

// runKeygen writes the private key to a file and prints the public one.
func runKeygen(args []string, _ io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("keygen", flag.ContinueOnError)
	name := flags.String("name", "", "key name")
	path := flags.String("signing-key", "", "file to write the signing key to; must not exist")
	if err := flags.Parse(args); err != nil {
		return err
	}
	skey, vkey, err := note.GenerateKey(rand.Reader, *name)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(*path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(file, skey); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	fmt.Fprintln(stdout, vkey)
	return nil
}

func runSign(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("sign", flag.ContinueOnError)
	path := flags.String("signing-key", "", "file with a signing key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	skey, err := readSigningKey(*path)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(skey)
	if err != nil {
		return reject("signing key: %w", err)
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signer)
	if err != nil {
		return reject("text: %w", err)
	}
	_, err = stdout.Write(signed)
	return err
}

// runCosign adds a line of type 0x04 with note.Sign. The same seed as a log key would never do in earnest; it is a test.
func runCosign(args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("cosign", flag.ContinueOnError)
	path := flags.String("signing-key", "", "file with a signing key, whose seed is used")
	timestamp := flags.Uint64("time", 0, "POSIX seconds")
	printKey := flags.Bool("print-key", false, "print the verifier key of type 0x04 instead of signing")
	if err := flags.Parse(args); err != nil {
		return err
	}
	skey, err := readSigningKey(*path)
	if err != nil {
		return err
	}
	signer, err := newCosigner(skey, *timestamp)
	if err != nil {
		return err
	}
	if *printKey {
		typed := append([]byte{algCosignature}, signer.public()...)
		fmt.Fprintf(stdout, "%s+%08x+%s\n", signer.name, signer.KeyHash(), base64.StdEncoding.EncodeToString(typed))
		return nil
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}
	// Opening with no key fails by design and hands out the note with its signatures, which note.Sign keeps.
	_, err = note.Open(text, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return reject("note: %w", err)
	}
	signed, err := note.Sign(unverified.Note, signer)
	if err != nil {
		return reject("note: %w", err)
	}
	_, err = stdout.Write(signed)
	return err
}

// cosigner is a note.Signer for C2SP tlog-cosignature, Ed25519.
type cosigner struct {
	name      string
	key       ed25519.PrivateKey
	timestamp uint64
}

func newCosigner(skey string, timestamp uint64) (*cosigner, error) {
	fields := strings.SplitN(skey, "+", 5)
	if len(fields) != 5 {
		return nil, errors.New("malformed signing key")
	}
	typed, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(typed) != 1+ed25519.SeedSize {
		return nil, errors.New("malformed signing key")
	}
	return &cosigner{fields[2], ed25519.NewKeyFromSeed(typed[1:]), timestamp}, nil
}

func (c *cosigner) public() ed25519.PublicKey { return c.key.Public().(ed25519.PublicKey) }
func (c *cosigner) Name() string              { return c.name }
func (c *cosigner) KeyHash() uint32           { return cosignatureKeyHash(c.name, c.public()) }

func (c *cosigner) Sign(msg []byte) ([]byte, error) {
	timestamp := binary.BigEndian.AppendUint64(nil, c.timestamp)
	return append(timestamp, ed25519.Sign(c.key, cosignatureMessage(c.timestamp, msg))...), nil
}

func readSigningKey(path string) (string, error) {
	text, err := os.ReadFile(path)
	return strings.TrimSuffix(string(text), "\n"), err
}
