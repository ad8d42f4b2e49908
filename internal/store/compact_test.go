package store

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// anyReceipt fills every field, so that one that the packed form does not know is noticed.
func anyReceipt(n int) patch.Receipt {
	var r patch.Receipt
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(then.Add(time.Duration(rand.Int64N(1e15)))))
		case int:
			f.SetInt(int64(rand.IntN(40_000)))
		case uint64:
			f.SetUint(uint64(n))
		default:
			f.SetString(fmt.Sprint("text ", i, rand.IntN(5)))
		}
	}
	switch n % 3 {
	case 1:
		r.Boot, r.Facts, r.Evaluated, r.Order = "0f1e2d3c-0000-4000-8000-00000000abcd", patch.Hash(strings.Repeat("0a", 32)), r.Expected, ""
		r.Received, r.Lists = time.Time{}, then.Add(time.Hour)
	case 2:
		r.Boot, r.Facts, r.FactsAt, r.Dated = "0F1E2D3C-0000-4000-8000-00000000ABCD", patch.Hash(strings.Repeat("0A", 32)), time.Time{}, time.Time{}
	}
	return r
}

func TestAPackedReceiptSaysEverything(t *testing.T) {
	s := open(t, sqliteURL(t))
	for n := range 200 {
		r := anyReceipt(n)
		word := got[int64](t)(s.words.number(ctx, s, alike(r)))
		b := packReceipt(r, word)
		back, err := s.unpackReceipt(ctx, r.Machine, r.Seq, b)
		if diff := cmp.Diff(r, back); diff != "" || err != nil {
			t.Fatal(err, diff)
		}
		r.Boot, r.Ended = "b\x00\xff", time.Now() // with a reading of the monotonic clock
		r.Started = r.Ended.Add(-time.Second)
		back, err = s.unpackReceipt(ctx, r.Machine, r.Seq, packReceipt(r, word))
		if kept := asKept(r); err != nil || !reflect.DeepEqual(back, *kept) {
			t.Fatal(err, cmp.Diff(back, *kept))
		}
		for cut := range len(b) {
			if _, err := s.unpackReceipt(ctx, r.Machine, r.Seq, b[:cut]); err == nil {
				t.Fatalf("%d of %d bytes were read", cut, len(b))
			}
		}
	}
}
