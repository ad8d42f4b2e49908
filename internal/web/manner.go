package web

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// mannerForm is how machines go about an order, as it was typed: names, with blanks or commas between them.
type mannerForm struct {
	Before, After, NotWhile, Services string
}

func (v *visit) mannerForm() mannerForm {
	return mannerForm{Before: v.get("hook_before"), After: v.get("hook_after"), NotWhile: v.get("not_while"), Services: v.get("restart_service")}
}

// Given reports whether anything was typed.
func (f mannerForm) Given() bool {
	return strings.TrimSpace(f.Before+f.After+f.NotWhile+f.Services) != ""
}

func (f mannerForm) manner() (*patch.Manner, error) {
	names := func(typed string) []string {
		return strings.FieldsFunc(typed, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
	}
	return patch.NewManner(names(f.Before), names(f.After), names(f.Services), names(f.NotWhile))
}
