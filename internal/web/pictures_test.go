package web

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// picture is one that README.md and docs show, as make pictures takes it from the console.
type picture struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Bare    bool   `json:"bare"` // without the rail
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	Dark    bool   `json:"dark"`
}

const (
	pictureFolder   = "docs/pictures"
	maxPictures     = 6
	maxPictureBytes = 150_000
)

func picturesOf(w *world) []picture {
	return []picture{
		{Name: "home.png", Address: "/", Width: 1120, Height: 700},
		{Name: "machine.png", Address: machineURL(w.machines[0].ID), Width: 1120, Height: 720},
		{Name: "explain.png", Address: explainURL(w.machines[0].ID, w.patches[1].Patch.ID), Bare: true, Width: 1240, Height: 840},
		{Name: "decide.png", Address: "/decide?verb=approve&label=all&patch=" + url.QueryEscape(string(w.patches[1].Patch.ID)), Bare: true, Width: 1240, Height: 820},
		{Name: "rings.png", Address: "/rings", Width: 1280, Height: 720},
		{Name: "phone.png", Address: "/", Width: 390, Height: 760, Dark: true},
	}
}

// keptPictures is what the browser takes: into the folder that FETTLE_PICTURES names, or into one that goes with the test.
func keptPictures(t *testing.T, w *world, at site) map[string]any {
	folder := os.Getenv("FETTLE_PICTURES")
	if folder == "" {
		folder = filepath.Join(shots(t), "kept")
	}
	return map[string]any{"site": at, "folder": folder, "list": picturesOf(w)}
}

var shown = regexp.MustCompile(`!\[[^\]]*\]\(([^)]+)\)|<img [^>]*src="([^"]+)"`)

// TestDocsShowPicturesThatTheRunMakes holds the documents to pictures of the console as it is, and the folder to what they show.
func TestDocsShowPicturesThatTheRunMakes(t *testing.T) {
	root := os.DirFS("../..")
	var made, used []string
	for _, p := range picturesOf(fleet()) {
		made = append(made, pictureFolder+"/"+p.Name)
	}
	docs, err := fs.Glob(root, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, doc := range append(docs, "README.md") {
		text, err := fs.ReadFile(root, doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range shown.FindAllStringSubmatch(string(text), -1) {
			name := filepath.ToSlash(filepath.Join(filepath.Dir(doc), m[1]+m[2]))
			used = append(used, name)
			if !slices.Contains(made, name) {
				t.Errorf("%s shows %s, which make pictures does not make", doc, name)
			}
			if _, err := fs.Stat(root, name); err != nil {
				t.Errorf("%s shows %s: %v", doc, name, err)
			}
		}
	}
	for _, name := range made {
		if !slices.Contains(used, name) {
			t.Errorf("no document shows %s", name)
		}
	}
	files, err := fs.ReadDir(root, pictureFolder)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) > maxPictures {
		t.Errorf("%d pictures are kept, more than %d", len(files), maxPictures)
	}
	for _, f := range files {
		i, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(made, pictureFolder+"/"+f.Name()) || !strings.HasSuffix(f.Name(), ".png") || i.Size() > maxPictureBytes {
			t.Errorf("%s of %d bytes is kept", f.Name(), i.Size())
		}
	}
}
