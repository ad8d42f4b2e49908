package web

import (
	"bytes"
	"encoding/json"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/workbook"
)

// export gives the report as a file for other programs: a workbook, comma-separated values, or JSON.
func (c *console) export(v *visit) error {
	name := v.r.PathValue("file")
	write, kind := exporter(name)
	if write == nil {
		return &patch.Error{Kind: patch.NotFound, What: "there is no report of this name", Do: "There are compliance.xlsx, compliance.csv, exposure.csv and compliance.json."}
	}
	all, err := c.Reporter.Compliance(v.ctx)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := write(&b, all); err != nil {
		return err
	}
	return v.download(b.Bytes(), name, kind)
}

// download answers with a file.
func (v *visit) download(b []byte, name, kind string) error {
	v.w.Header().Set("Content-Type", kind)
	v.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, err := v.w.Write(b)
	return err
}

func exporter(name string) (write func(*bytes.Buffer, []patch.Compliance) error, kind string) {
	table := func(i int) func(*bytes.Buffer, []patch.Compliance) error {
		return func(b *bytes.Buffer, all []patch.Compliance) error {
			return workbook.WriteCSV(b, ledger.ComplianceSheets(all)[i])
		}
	}
	switch name {
	case "compliance.xlsx":
		return func(b *bytes.Buffer, all []patch.Compliance) error {
			return workbook.Write(b, ledger.ComplianceSheets(all))
		}, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case "compliance.csv":
		return table(0), "text/csv; charset=utf-8"
	case "exposure.csv":
		return table(1), "text/csv; charset=utf-8"
	case "compliance.json":
		return func(b *bytes.Buffer, all []patch.Compliance) error { return json.NewEncoder(b).Encode(all) }, "application/json"
	}
	return nil, ""
}
