package host

import (
	"context"
	"errors"

	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/patch"
)

// Updaters lists the other patch services that are there, sorted by name.
func Updaters(string, []patch.Package) []patch.UpdaterState { return winUpdaterStates(machineKeys{}) }

// PlanTakeOver says what turning another patch service off would make, by its entry in the table.
func PlanTakeOver(_, name string) (TakenOver, error) { return planValues(machineKeys{}, name) }

// TakeOver turns another patch service off as planned.
func TakeOver(_ context.Context, _, name string, plan TakenOver) error {
	return takeValues(machineKeys{}, name, plan)
}

// GiveBack undoes a take-over.
func GiveBack(_ context.Context, _, name string, made TakenOver) error {
	return giveValues(machineKeys{}, name, made)
}

// Missing names what a take-over made that is not there any more.
func (t TakenOver) Missing(_, name string) []string { return missingValues(machineKeys{}, name, t) }

// machineKeys is the running machine's registry.
type machineKeys struct{}

func (machineKeys) text(path, name string) string {
	k := openKey(path)
	defer k.close()
	return k.text(name)
}

func (machineKeys) number(path, name string) (uint32, bool) {
	k := openKey(path)
	defer k.close()
	if !k.there() {
		return 0, false
	}
	n, _, err := k.k.GetIntegerValue(name)
	return uint32(n), err == nil
}

func (machineKeys) keys(path string) []string {
	k := openKey(path)
	defer k.close()
	return k.keys()
}

func (machineKeys) set(path, name string, n uint32) error {
	k, _, err := registry.CreateKey(registry.LOCAL_MACHINE, path, registry.SET_VALUE|registry.WOW64_64KEY)
	if err != nil {
		return err
	}
	return errors.Join(k.SetDWordValue(name, n), k.Close())
}

func (machineKeys) remove(path, name string) error {
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, path, registry.SET_VALUE|registry.WOW64_64KEY)
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer k.Close()
	if err := k.DeleteValue(name); !errors.Is(err, registry.ErrNotExist) {
		return err
	}
	return nil
}
