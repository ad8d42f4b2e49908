package host

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// OwnUpdater asks macOS' softwareupdate.
func OwnUpdater() Provider { return softwareUpdate{} }

type softwareUpdate struct{}

// Offers has softwareupdate list what it would install. It knows Apple's servers alone.
func (softwareUpdate) Offers(ctx context.Context, from Source, _ string) (Offers, error) {
	if from != AsSet && from != Online {
		return Offers{}, patch.Errorf(patch.Invalid, "a Mac cannot be asked about the source %s", from)
	}
	limited, stop := context.WithTimeout(ctx, offersLimit)
	defer stop()
	out := bounded{max: 1 << 20}
	if err := run(listSoftwareUpdates(limited), &out, nil); err != nil && len(out.b) == 0 {
		return Offers{}, patch.Errorf(patch.Unavailable, "softwareupdate cannot be asked: %w", err)
	}
	return macOffers(string(out.b)), nil
}
