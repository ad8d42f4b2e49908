package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/fettle-project/fettle/docs/schema"
)

// contract is the published description of the API, which every answer of a test's appliance is held against.
type contract struct {
	compiler *jsonschema.Compiler
	paths    map[string]map[string]described
}

type described struct {
	OperationID string                     `json:"operationId"`
	Responses   map[string]json.RawMessage `json:"responses"`
	Parameters  []struct{ Name, In string }
}

func readContract(t *testing.T) *contract {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema.API))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{compiler: jsonschema.NewCompiler()}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource("urn:api", doc); err != nil {
		t.Fatal(err)
	}
	var top struct {
		Paths map[string]map[string]described `json:"paths"`
	}
	if err := json.Unmarshal(schema.API, &top); err != nil {
		t.Fatal(err)
	}
	c.paths = top.Paths
	return c
}

// find gives the path of the description that a request's path is of; one without placeholders is preferred.
func (c *contract) find(path string) (found string) {
	if c.paths[path] != nil {
		return path
	}
	asked := strings.Split(path, "/")
	for of := range c.paths {
		parts := strings.Split(of, "/")
		same := len(parts) == len(asked)
		for i := 0; same && i < len(parts); i++ {
			same = parts[i] == asked[i] || strings.HasPrefix(parts[i], "{")
		}
		if same && (found == "" || strings.Count(of, "{") < strings.Count(found, "{")) {
			found = of
		}
	}
	return found
}

// hold compares one answer with the description.
func (c *contract) hold(t *testing.T, method, path string, status int, body []byte) {
	t.Helper()
	of := c.find(path)
	method = strings.ToLower(method)
	op, ok := c.paths[of][method]
	if !ok {
		t.Errorf("%s %s is not described", method, path)
		return
	}
	if status >= 400 {
		return
	}
	if _, ok := op.Responses[strconv.Itoa(status)]; !ok {
		t.Errorf("%s %s answers %d, which is not described", method, path, status)
		return
	}
	if status == http.StatusNoContent {
		return
	}
	escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(of)
	s, err := c.compiler.Compile("urn:api#/paths/" + url.PathEscape(escaped) + "/" + method + "/responses/" + strconv.Itoa(status) + "/content/application~1json/schema")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s %s is not what is described: %v\n%.2000s", method, path, err, body)
	}
}

// raw asks the people's API as any program would.
func (h *house) raw(method, path string, in any) (int, []byte) {
	h.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			h.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, "https://"+h.at.Console+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+h.token)
	req.Header.Set("Content-Type", "application/json")
	pool := x509.NewCertPool()
	pool.AddCert(h.ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, b
}

func (h *house) contract() *contract {
	if h.described == nil {
		h.described = readContract(h.t)
	}
	return h.described
}

// everyReading asks every path that can be read and holds the answer against the description; values are for the placeholders in paths, and
// for parameters that must be there.
func (h *house) everyReading(values map[string]string, must map[string]string) (answered int) {
	h.t.Helper()
	c := h.contract()
	for path, methods := range c.paths {
		op, ok := methods["get"]
		if !ok {
			continue
		}
		at := path
		for name, v := range values {
			at = strings.ReplaceAll(at, "{"+name+"}", url.PathEscape(v))
		}
		query := must[op.OperationID]
		status, body := h.raw(http.MethodGet, at+query, nil)
		c.hold(h.t, "get", path, status, body)
		if status < 400 {
			answered++
		} else {
			h.t.Logf("GET %s%s: %d %s", at, query, status, bytes.TrimSpace(body))
		}
	}
	return answered
}

// A flag that takes one of some words names them, and not the empty one that it is without.
func TestFlagsOfWordsNameTheirWords(t *testing.T) {
	var s screen
	k, err := newParser(t.Context(), &s, &commands{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var look func(*kong.Node)
	look = func(node *kong.Node) {
		for _, f := range node.Flags {
			if n++; strings.Contains(f.FormatPlaceHolder(), `""`) {
				t.Errorf("%s: --%s=%s", typed(node), f.Name, f.FormatPlaceHolder())
			}
		}
		for _, c := range node.Children {
			look(c)
		}
	}
	if look(k.Model.Node); n < 100 {
		t.Errorf("only %d flags were looked at", n)
	}
	var out bytes.Buffer
	s.err = &out
	_, err = k.Parse([]string{"machines", "list", "--show", "x"})
	if misused(&s, err); !strings.Contains(out.String(), `"reboot","revoked" but got "x"`) {
		t.Error(out.String())
	}
}
