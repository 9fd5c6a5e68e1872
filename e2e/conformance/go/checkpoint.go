package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// openCheckpoint returns the tree that a checkpoint states, once the log and every cosigner verifiably signed it.
func openCheckpoint(text []byte, trust trustFlags) (tlog.Tree, error) {
	logKey, err := note.NewVerifier(trust.key)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("key of the log: %w", err)
	}
	needed := []note.Verifier{logKey}
	for _, vkey := range trust.cosigners {
		cosigner, err := newCosignatureVerifier(vkey)
		if err != nil {
			return tlog.Tree{}, fmt.Errorf("key of a cosigner: %w", err)
		}
		needed = append(needed, cosigner)
	}
	opened, err := note.Open(text, note.VerifierList(needed...))
	if err != nil {
		return tlog.Tree{}, reject("checkpoint: %w", err)
	}
	// note.Open is content with any one of the known keys.
	for _, key := range needed {
		if !isSignedBy(opened, key) {
			return tlog.Tree{}, reject("checkpoint: no signature by %s", key.Name())
		}
	}
	return parseCheckpoint(opened.Text, trust.origin)
}

func isSignedBy(opened *note.Note, key note.Verifier) bool {
	for _, sig := range opened.Sigs {
		if sig.Name == key.Name() && sig.Hash == key.KeyHash() {
			return true
		}
	}
	return false
}

// parseCheckpoint gives the text to tlog.ParseTree, which knows one origin only: that of Go's checksum database.
func parseCheckpoint(text, origin string) (tlog.Tree, error) {
	first, rest, _ := strings.Cut(text, "\n")
	if first != origin {
		return tlog.Tree{}, reject("checkpoint: origin is %q, not %q", first, origin)
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err != nil {
		return tlog.Tree{}, reject("checkpoint: %w", err)
	}
	if tree.N > maxTreeSize {
		return tlog.Tree{}, reject("checkpoint: size %d is beyond what tlog can count with", tree.N)
	}
	return tree, nil
}

// maxTreeSize bounds what is handed to tlog: beyond it, its search for the largest power of two below a size does not end.
const maxTreeSize = 1 << 62

const algCosignature = 0x04

// cosignatureVerifier is a note.Verifier for C2SP tlog-cosignature, Ed25519: the signature follows a timestamp, and both cover
// the text of the note.
type cosignatureVerifier struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func newCosignatureVerifier(vkey string) (*cosignatureVerifier, error) {
	fields := strings.SplitN(vkey, "+", 3)
	if len(fields) != 3 {
		return nil, errors.New("malformed verifier key")
	}
	name := fields[0]
	typed, err := base64.StdEncoding.Strict().DecodeString(fields[2])
	if err != nil || len(typed) != 1+ed25519.PublicKeySize || typed[0] != algCosignature {
		return nil, errors.New("verifier key is none of type 0x04")
	}
	v := &cosignatureVerifier{name, cosignatureKeyHash(name, typed[1:]), typed[1:]}
	if fields[1] != fmt.Sprintf("%08x", v.hash) {
		return nil, errors.New("key ID of the verifier key does not fit")
	}
	return v, nil
}

func cosignatureKeyHash(name string, key ed25519.PublicKey) uint32 {
	typed := append([]byte(name+"\n"), algCosignature)
	sum := sha256.Sum256(append(typed, key...))
	return binary.BigEndian.Uint32(sum[:])
}

func (v *cosignatureVerifier) Name() string    { return v.name }
func (v *cosignatureVerifier) KeyHash() uint32 { return v.hash }

func (v *cosignatureVerifier) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(v.key, cosignatureMessage(binary.BigEndian.Uint64(sig), msg), sig[8:])
}

func cosignatureMessage(timestamp uint64, msg []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", timestamp), msg...)
}
