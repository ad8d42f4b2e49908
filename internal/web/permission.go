package web

import "github.com/fettle-project/fettle/internal/auth"

// Public is the permission of the few routes that need nobody to be signed in.
const Public auth.Permission = "public"
