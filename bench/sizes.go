package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
)

// bundleSizes reads what `fettle catalog build` wrote about its own parts: bytes of the list and of the signatures.
func bundleSizes(path string) (list, signatures int64, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return 0, 0, err
	}
	defer z.Close()
	f, err := z.Open("fettle-catalog.json")
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	var catalogs []struct{ List, Signatures string }
	if err := json.NewDecoder(f).Decode(&catalogs); err != nil || len(catalogs) != 1 {
		return 0, 0, fmt.Errorf("cannot read the bundle's index (%d catalogs): %v", len(catalogs), err)
	}
	for _, m := range z.File {
		switch m.Name {
		case catalogs[0].List:
			list = int64(m.UncompressedSize64)
		case catalogs[0].Signatures:
			signatures = int64(m.UncompressedSize64)
		}
	}
	return list, signatures, nil
}
