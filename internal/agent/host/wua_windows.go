package host

import (
	"errors"
	"runtime"

	"github.com/go-ole/go-ole"
	"github.com/go-ole/go-ole/oleutil"

	"github.com/fettle-project/fettle/internal/patch"
)

// talk is a conversation with the Windows Update Agent (Windows Update Agent API, IUpdateSession). The first failure ends it: what follows does
// nothing. What it holds is let go with its process.
type talk struct {
	answer Offers
	failed bool
}

// askWindowsUpdate searches for what is neither installed nor hidden.
func askWindowsUpdate(from Source, cab string) Offers {
	runtime.LockOSThread()
	t := &talk{answer: Offers{Provider: patch.WindowsUpdate, Source: string(from), Updates: []Offer{}}}
	if err := ole.CoInitializeEx(0, ole.COINIT_MULTITHREADED); err != nil {
		t.fail("CoInitializeEx", err)
		return t.answer
	}
	searcher := t.call(t.create("Microsoft.Update.Session"), "CreateUpdateSearcher")
	t.look(searcher, from, cab)
	found := t.get(t.call(searcher, "Search", "IsInstalled=0 and IsHidden=0"), "Updates")
	for i := range min(t.number(found, "Count"), maxOffers) {
		t.add(t.get(found, "Item", i))
	}
	return t.answer
}

// look says where to search (ServerSelection).
func (t *talk) look(searcher *ole.IDispatch, from Source, cab string) {
	const managed, vendor, others = 1, 2, 3
	switch from {
	case Managed:
		t.put(searcher, "ServerSelection", managed)
	case Online:
		t.put(searcher, "ServerSelection", vendor)
	case Offline:
		service := t.call(t.create("Microsoft.Update.ServiceManager"), "AddScanPackageService", "Fettle", cab, 1)
		t.put(searcher, "ServerSelection", others)
		t.put(searcher, "ServiceID", t.text(service, "ServiceID"))
	}
}

func (t *talk) add(update *ole.IDispatch) {
	const never = 0
	o := Offer{ID: t.text(t.get(update, "Identity"), "UpdateID"), Title: t.text(update, "Title"), Severity: t.text(update, "MsrcSeverity"),
		Downloaded: t.number(update, "IsDownloaded") != 0}
	articles := t.get(update, "KBArticleIDs")
	for i := range min(t.number(articles, "Count"), 50) {
		o.Articles = append(o.Articles, "KB"+t.text(articles, "Item", i))
	}
	o.Restart = t.number(t.get(update, "InstallationBehavior"), "RebootBehavior") != never
	if !t.failed {
		t.answer.Updates = append(t.answer.Updates, o)
	}
}

func (t *talk) fail(step string, err error) {
	if t.failed {
		return
	}
	const unexpected = 0x8000ffff
	t.failed, t.answer.Step, t.answer.Code = true, step, unexpected
	var e *ole.OleError
	if errors.As(err, &e) {
		t.answer.Code = uint32(e.Code())
		if info, ok := e.SubError().(ole.EXCEPINFO); ok && info.SCODE() != 0 {
			t.answer.Code = info.SCODE() // what the other side means, inside what COM says
		}
	}
}

func (t *talk) create(class string) *ole.IDispatch {
	if t.failed {
		return nil
	}
	unknown, err := oleutil.CreateObject(class)
	if err != nil {
		t.fail(class, err)
		return nil
	}
	d, err := unknown.QueryInterface(ole.IID_IDispatch)
	if err != nil {
		t.fail(class, err)
	}
	return d
}

func (t *talk) call(d *ole.IDispatch, name string, args ...any) *ole.IDispatch {
	return t.object(name, d, func() (*ole.VARIANT, error) { return oleutil.CallMethod(d, name, args...) })
}

func (t *talk) get(d *ole.IDispatch, name string, args ...any) *ole.IDispatch {
	return t.object(name, d, func() (*ole.VARIANT, error) { return oleutil.GetProperty(d, name, args...) })
}

func (t *talk) object(name string, d *ole.IDispatch, ask func() (*ole.VARIANT, error)) *ole.IDispatch {
	v := t.value(name, d, ask)
	if v == nil {
		return nil
	}
	o := v.ToIDispatch()
	if o == nil {
		t.fail(name, nil)
	}
	return o
}

func (t *talk) value(name string, d *ole.IDispatch, ask func() (*ole.VARIANT, error)) *ole.VARIANT {
	if t.failed || d == nil {
		t.fail(name, nil)
		return nil
	}
	v, err := ask()
	if err != nil {
		t.fail(name, err)
		return nil
	}
	return v
}

func (t *talk) put(d *ole.IDispatch, name string, value any) {
	t.value(name, d, func() (*ole.VARIANT, error) { return oleutil.PutProperty(d, name, value) })
}

func (t *talk) text(d *ole.IDispatch, name string, args ...any) string {
	v := t.value(name, d, func() (*ole.VARIANT, error) { return oleutil.GetProperty(d, name, args...) })
	if v == nil || v.VT != ole.VT_BSTR {
		return ""
	}
	return v.ToString()
}

// number is a whole number, or a truth as 0 and another one.
func (t *talk) number(d *ole.IDispatch, name string) int {
	v := t.value(name, d, func() (*ole.VARIANT, error) { return oleutil.GetProperty(d, name) })
	if v == nil {
		return 0
	}
	return int(int32(v.Val))
}
