package sdp

import (
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// driver reads the rules about the driver that the metadata describe. A device is one that has the hardware ID, among its own or its
// compatible ones; which of several IDs fits a device better is not weighed. Drivers are ordered by date, then by version.
func (c *compiler) driver(e *element) (x detect.Expr, fault string, mine bool) {
	if e.name != "WindowsDriverInstalled" && e.name != "WindowsDriverSuperseded" && e.name != "WindowsDriverInstallable" {
		return x, "", false
	}
	var m *element
	if c.metadata != nil {
		m = c.metadata.child("WindowsDriverMetaData")
	}
	if m == nil {
		return x, "finds no driver in the metadata", true
	}
	date, err := time.Parse("2006-01-02", strings.TrimRight(clip(m.get("DriverVerDate"), 10), "…"))
	hardware, v := m.get("HardwareID"), m.get("DriverVerVersion")
	if err != nil || hardware == "" || !versionPattern().MatchString(v) {
		return x, "finds no usable hardware ID, date and version of a driver in the metadata", true
	}
	dated := func(op item.Operation) item.Entity {
		return item.Entity{Name: "driver_date", Operation: op, Datatype: item.DateTime, Value: date.Format("20060102")}
	}
	versioned := func(op item.Operation) item.Entity {
		return item.Entity{Name: "driver_version", Operation: op, Datatype: item.Version, Value: v}
	}
	id := item.Entity{Name: "hardware_id", Operation: item.CaseInsensitiveEquals, Value: hardware, EntityCheck: item.AtLeastOne}
	var states []*item.State
	switch e.name {
	case "WindowsDriverInstalled":
		states = append(states, state(id, dated(item.Equals), versioned(item.Equals), providers(m)))
	case "WindowsDriverSuperseded":
		states = append(states, state(id, dated(item.GreaterThan)), state(id, dated(item.Equals), versioned(item.GreaterThan)))
	default:
		older, same := state(id, dated(item.LessThan)), state(id, dated(item.Equals), versioned(item.LessThan))
		if m.get("Class") == "Printers" {
			older.Entities, same.Entities = append(older.Entities, providers(m)), append(same.Entities, providers(m))
		}
		states = append(states, older, same)
	}
	t := test("device", nil, states...)
	t.Operator = item.Or
	return is(t), "", true
}

// providers are those of the driver and of drivers that are compatible with it.
func providers(m *element) item.Entity {
	all := append([]string{m.get("Provider")}, m.texts("CompatibleProvider")...)
	return item.Entity{Name: "driver_provider", Operation: item.CaseInsensitiveEquals, VarCheck: item.AtLeastOne,
		Variable: &item.Variable{Kind: item.Constant, Values: all}}
}
