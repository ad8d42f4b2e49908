// Package schema carries the published JSON Schemas of what programs of others may read and write: facts and answers; and the
// description of the API.
//
// The files are made from the program's source and its comments; a test holds them to it, and rewrites them with -update.
package schema

import _ "embed"

// Facts is the schema of what `fettle facts` prints and `fettle detect --facts` reads.
//
//go:embed facts.json
var Facts []byte

// Detect is the schema of what `fettle detect --json` prints.
//
//go:embed detect.json
var Detect []byte

// OVAL is the schema of what `fettle oval eval --json` prints.
//
//go:embed oval.json
var OVAL []byte

// API is the OpenAPI 3.1 document of what people and their programs ask of the appliance, as GET /api/v1/openapi.json gives it.
//
//go:embed openapi.json
var API []byte

// SDP is the schema of what `fettle sdp eval --json` prints.
//
//go:embed sdp.json
var SDP []byte
