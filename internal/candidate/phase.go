package candidate

// Turn gives the machine's place in a phased update, 0 to 100: it may have the update once the update's percentage is not below its
// turn. It is apt's draw of lots: a linear congruential engine (multiplier 48271, modulus 2^31-1) seeded, as C++'s seed_seq does, from
// source name, source version and machine ID, and one number from it.
func Turn(source, version, machineID string) int {
	text := source + "-" + version + "-" + machineID
	seed := make([]uint32, len(text))
	for i := range len(text) {
		seed[i] = uint32(int32(int8(text[i])))
	}
	const modulus, width = 1<<31 - 1, 101
	state := uint64(scramble(seed)) % modulus
	if state == 0 {
		state = 1
	}
	const share = (modulus - 2) / width // numbers of the engine for each turn; those beyond are drawn again
	for {
		state = state * 48271 % modulus
		if drawn := state - 1; drawn < share*width {
			return int(drawn / share)
		}
	}
}

// scramble is seed_seq::generate (C++ [rand.util.seedseq]) for four words, of which the engine takes the last.
func scramble(seed []uint32) uint32 {
	const n, s, t, p, q = 4, 4, 1, 1, 2 // t = (n-1)/2; p = (n-t)/2; q = p+t
	var b [n]uint32
	for i := range b {
		b[i] = 0x8b8b8b8b
	}
	mix := func(x uint32) uint32 { return x ^ x>>27 }
	rounds := max(s+1, n)
	if len(seed)+1 > rounds {
		rounds = len(seed) + 1
	}
	for k := range rounds {
		r1 := 1664525 * mix(b[k%n]^b[(k+p)%n]^b[(k+n-1)%n])
		r2 := r1
		switch {
		case k == 0:
			r2 += uint32(len(seed))
		case k <= len(seed):
			r2 += uint32(k%n) + seed[k-1]
		default:
			r2 += uint32(k % n)
		}
		b[(k+p)%n] += r1
		b[(k+q)%n] += r2
		b[k%n] = r2
	}
	for k := rounds; k < rounds+n; k++ {
		r3 := 1566083941 * mix(b[k%n]+b[(k+p)%n]+b[(k+n-1)%n])
		r4 := r3 - uint32(k%n)
		b[(k+p)%n] ^= r3
		b[(k+q)%n] ^= r4
		b[k%n] = r4
	}
	return b[n-1]
}
