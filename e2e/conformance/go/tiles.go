package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// A tilesDirectory reads C2SP tlog-tiles as a tlog.TileReader. It keeps what tlog found to be authentic.
type tilesDirectory struct {
	root  string
	saved map[tlog.Tile][]byte
}

func (d *tilesDirectory) Height() int { return tileHeight }

func (d *tilesDirectory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if saved, ok := d.saved[tile]; ok {
			data[i] = saved
			continue
		}
		bytes, err := d.readTile(tile)
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

func (d *tilesDirectory) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		d.saved[tile] = data[i]
	}
}

// readTile maps tile/8/<L>/<N> to tile/<L>/<N>, and tile/8/data/<N> to tile/entries/<N>.
func (d *tilesDirectory) readTile(tile tlog.Tile) ([]byte, error) {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	bytes, err := os.ReadFile(filepath.Join(d.root, "tile", filepath.FromSlash(path)))
	if err != nil {
		return nil, reject("tile/%s cannot be read: %w", path, errors.Unwrap(err))
	}
	return bytes, nil
}

// readBundle returns the entries n*256 … n*256+width-1: each has its length in two bytes before it.
func (d *tilesDirectory) readBundle(n int64, width int) ([][]byte, error) {
	bytes, err := d.readTile(tlog.Tile{H: tileHeight, L: -1, N: n, W: width})
	if err != nil {
		return nil, err
	}
	entries := make([][]byte, 0, width)
	for len(bytes) > 0 {
		if len(bytes) < 2 || len(bytes) < 2+int(binary.BigEndian.Uint16(bytes)) {
			return nil, reject("bundle %d ends within an entry", n)
		}
		end := 2 + int(binary.BigEndian.Uint16(bytes))
		entries = append(entries, bytes[2:end])
		bytes = bytes[end:]
	}
	if len(entries) != width {
		return nil, reject("bundle %d holds %d entries, not %d", n, len(entries), width)
	}
	return entries, nil
}

func runTiles(args []string, _ io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("tiles", flag.ContinueOnError)
	var trust trustFlags
	trust.register(flags)
	root := flags.String("dir", "", "tlog-tiles directory")
	kept := flags.String("kept", "", "checkpoint kept elsewhere: the log must be a continuation of it")
	proofs := flags.Int("proofs", 100, "how many random inclusion and consistency proofs to make and check")
	seed := flags.Int64("seed", 1, "seed of the random choice")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(*root, "checkpoint"))
	if err != nil {
		return reject("checkpoint cannot be read: %w", errors.Unwrap(err))
	}
	tree, err := openCheckpoint(text, trust)
	if err != nil {
		return err
	}
	directory := &tilesDirectory{*root, map[tlog.Tile][]byte{}}
	leaves, err := checkTree(directory, tree)
	if err != nil {
		return err
	}
	if *kept != "" {
		if err := checkKept(directory, tree, *kept, trust); err != nil {
			return err
		}
	}
	if err := checkRandomProofs(directory, tree, leaves, *proofs, rand.New(rand.NewSource(*seed))); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "accepted: %d entries, root %s\n", tree.N, tree.Hash)
	return nil
}

// checkTree rebuilds the root from the tiles and hashes every entry again. It returns the leaf hashes.
//
// The second is not redundant: a log whose tiles are sound and whose entries were changed passes the first.
func checkTree(directory *tilesDirectory, tree tlog.Tree) ([]tlog.Hash, error) {
	reader := hashReader(directory, tree)
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return nil, reject("tree: %w", err)
	}
	if root != tree.Hash {
		return nil, reject("root is %s by the tiles and %s by the checkpoint", root, tree.Hash)
	}
	leaves := make([]tlog.Hash, 0, tree.N)
	for first := int64(0); first < tree.N; first += tileWidth {
		width := int(min(tileWidth, tree.N-first))
		entries, err := directory.readBundle(first/tileWidth, width)
		if err != nil {
			return nil, err
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return nil, reject("leaf hashes from %d on: %w", first, err)
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != hashes[i] {
				return nil, reject("entry %d has another hash than its leaf", first+int64(i))
			}
		}
		leaves = append(leaves, hashes...)
	}
	return leaves, nil
}

// hashReader is tlog.TileHashReader, which has no answer for the empty tree.
func hashReader(directory *tilesDirectory, tree tlog.Tree) tlog.HashReader {
	if tree.N == 0 {
		return tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, errors.New("the tree is empty") })
	}
	return tlog.TileHashReader(tree, directory)
}

// checkKept proves that the tree is a continuation of the one in a checkpoint that was kept elsewhere.
func checkKept(directory *tilesDirectory, tree tlog.Tree, path string, trust trustFlags) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old, err := openCheckpoint(text, trustFlags{origin: trust.origin, key: trust.key})
	if err != nil {
		return fmt.Errorf("kept checkpoint: %v", err)
	}
	if old.N > tree.N {
		return reject("rolled back: the log has %d entries, a kept checkpoint says %d", tree.N, old.N)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, hashReader(directory, tree))
	if err != nil {
		return reject("consistency with the kept checkpoint: %w", err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return reject("not a continuation of the kept checkpoint over %d entries: %w", old.N, err)
	}
	return nil
}

func checkRandomProofs(directory *tilesDirectory, tree tlog.Tree, leaves []tlog.Hash, count int, random *rand.Rand) error {
	if tree.N == 0 {
		return nil
	}
	reader := hashReader(directory, tree)
	for range count {
		index := random.Int63n(tree.N)
		inclusion, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return reject("inclusion of %d: %w", index, err)
		}
		if err := tlog.CheckRecord(inclusion, tree.N, tree.Hash, index, leaves[index]); err != nil {
			return reject("inclusion of %d: %w", index, err)
		}
		size := 1 + random.Int63n(tree.N)
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			return reject("root at %d: %w", size, err)
		}
		consistency, err := tlog.ProveTree(tree.N, size, reader)
		if err != nil {
			return reject("consistency with %d: %w", size, err)
		}
		if err := tlog.CheckTree(consistency, tree.N, tree.Hash, size, root); err != nil {
			return reject("consistency with %d: %w", size, err)
		}
	}
	return nil
}
