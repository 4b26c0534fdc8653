// Command verifylog checks a static tlog-tiles directory with golang.org/x/mod/sumdb and nothing of Comity.
//
//	verifylog DIRECTORY VKEYS [INDEX [CHECKPOINT...]]
//	verifylog roots
//
// VKEYS is a file with one verifier key per line; the types that x/mod does not know are left out. It opens the
// checkpoint, then for every entry hashes it from its bundle, proves it from the tiles and checks the proof; then checks
// that trees of earlier sizes are beginnings of this one, and so are the trees of the files CHECKPOINT. It prints a
// summary as JSON, with a tlog-proof of INDEX that it made itself unless that is below 0, and exits with 1 and a reason if
// anything is not as signed. `roots` reads one entry in hex a line, and prints the root of every tree, none to all.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8
const tileWidth = 1 << tileHeight

type summary struct {
	Origin     string `json:"origin"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Entries    int64  `json:"entries_proven"`
	Earlier    int    `json:"earlier_trees_proven"`
	Continued  int    `json:"checkpoints_continued"`
	Verified   int    `json:"signatures_verified"`
	Unverified int    `json:"signatures_unknown"`
	Proof      string `json:"proof"`
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "roots" {
		if err := printRoots(); err != nil {
			fail(err)
		}
		return
	}
	if len(os.Args) < 3 {
		fail(errors.New("usage: verifylog DIRECTORY VKEYS [INDEX [CHECKPOINT...]]"))
	}
	index := int64(-1)
	if len(os.Args) > 3 {
		n, err := strconv.ParseInt(os.Args[3], 10, 64)
		if err != nil {
			fail(err)
		}
		index = n
	}
	var earlier []string
	if len(os.Args) > 4 {
		earlier = os.Args[4:]
	}
	found, err := verify(os.Args[1], os.Args[2], index, earlier)
	if err != nil {
		fail(err)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func openCheckpoint(file string, verifiers []note.Verifier) ([]byte, *note.Note, tlog.Tree, string, error) {
	var tree tlog.Tree
	checkpoint, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, tree, "", err
	}
	opened, err := note.Open(checkpoint, note.VerifierList(verifiers...))
	if err != nil {
		return nil, nil, tree, "", err
	}
	tree, origin, err := parseText(opened.Text)
	if err != nil {
		return nil, nil, tree, "", err
	}
	if opened.Sigs[0].Name != origin {
		return nil, nil, tree, "", fmt.Errorf("%s signed a checkpoint of %s", opened.Sigs[0].Name, origin)
	}
	return checkpoint, opened, tree, origin, nil
}

func verify(dir, vkeys string, index int64, earlier []string) (*summary, error) {
	verifiers, err := readVerifiers(vkeys)
	if err != nil {
		return nil, err
	}
	checkpoint, opened, tree, origin, err := openCheckpoint(filepath.Join(dir, "checkpoint"), verifiers)
	if err != nil {
		return nil, err
	}
	found := &summary{Origin: origin, Size: tree.N, Root: tree.Hash.String(), Verified: len(opened.Sigs), Unverified: len(opened.UnverifiedSigs)}
	reader := tlog.TileHashReader(tree, &directory{dir: dir, read: map[string][]byte{}})

	for first := int64(0); first < tree.N; first += tileWidth {
		entries, err := readBundle(dir, first, tree.N)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			n := first + int64(i)
			proof, err := tlog.ProveRecord(tree.N, n, reader)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", n, err)
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, tlog.RecordHash(entry)); err != nil {
				return nil, fmt.Errorf("entry %d: %w", n, err)
			}
			found.Entries++
		}
	}
	for _, size := range []int64{1, 2, tree.N / 3, tree.N / 2, tileWidth, tileWidth + 1, tree.N - 1} {
		if size < 1 || size >= tree.N {
			continue
		}
		root, err := tlog.TreeHash(size, reader)
		if err != nil {
			return nil, err
		}
		proof, err := tlog.ProveTree(tree.N, size, reader)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, size, root); err != nil {
			return nil, fmt.Errorf("tree of %d: %w", size, err)
		}
		found.Earlier++
	}
	for _, file := range earlier {
		_, _, old, _, err := openCheckpoint(file, verifiers)
		if err != nil {
			return nil, err
		}
		proof, err := tlog.ProveTree(tree.N, old.N, reader)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
			return nil, fmt.Errorf("checkpoint of %d: %w", old.N, err)
		}
		found.Continued++
	}
	if index >= 0 {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return nil, err
		}
		lines := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", index)
		for _, hash := range proof {
			lines += hash.String() + "\n"
		}
		found.Proof = lines + "\n" + string(checkpoint)
	}
	return found, nil
}

func readVerifiers(file string) ([]note.Verifier, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var known []note.Verifier
	for _, line := range strings.Fields(string(text)) {
		if verifier, err := note.NewVerifier(line); err == nil {
			known = append(known, verifier)
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("no key in %s is of a type known here", file)
	}
	return known, nil
}

func parseText(text string) (tlog.Tree, string, error) {
	origin, rest, _ := strings.Cut(text, "\n")
	// x/mod reads a checkpoint of its own log only; after the origin line the texts are the same.
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + rest))
	if err == nil && strings.Count(text, "\n") != 3 {
		err = errors.New("the checkpoint has extension lines")
	}
	return tree, origin, err
}

// directory serves tiles of height 8 from files; in tlog-tiles the paths do not name the height.
type directory struct {
	dir  string
	read map[string][]byte
}

func (d *directory) Height() int { return tileHeight }

func (d *directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		data, ok := d.read[path]
		if !ok {
			var err error
			if data, err = os.ReadFile(filepath.Join(d.dir, path)); err != nil {
				return nil, err
			}
			d.read[path] = data
		}
		all = append(all, data)
	}
	return all, nil
}

func (d *directory) SaveTiles(tiles []tlog.Tile, data [][]byte) {}

func readBundle(dir string, first, size int64) ([][]byte, error) {
	tile := tlog.Tile{H: tileHeight, L: 0, N: first / tileWidth, W: tileWidth}
	if size-first < tileWidth {
		tile.W = int(size - first)
	}
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/0/", tileHeight), "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, fmt.Errorf("%s is cut short", path)
		}
		length := int(binary.BigEndian.Uint16(data))
		if len(data) < 2+length {
			return nil, fmt.Errorf("%s is cut short", path)
		}
		entries = append(entries, data[2:2+length])
		data = data[2+length:]
	}
	if len(entries) != tile.W {
		return nil, fmt.Errorf("%s holds %d entries", path, len(entries))
	}
	return entries, nil
}

// printRoots is tlog's own storage of hashes, in memory.
func printRoots() error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	input := bufio.NewScanner(os.Stdin)
	for n := int64(0); ; n++ {
		root, err := tlog.TreeHash(n, reader)
		if err != nil {
			return err
		}
		fmt.Printf("%x\n", root[:])
		if !input.Scan() {
			return input.Err()
		}
		entry, err := hex.DecodeString(input.Text())
		if err != nil {
			return err
		}
		hashes, err := tlog.StoredHashes(n, entry, reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
}
