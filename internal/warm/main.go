package main
import (
 _ "modernc.org/sqlite"
 _ "github.com/jackc/pgx/v5/stdlib"
 _ "github.com/pressly/goose/v3"
 _ "github.com/alecthomas/kong"
 _ "cel.dev/cel-go/cel"
 _ "github.com/klauspost/compress/zstd"
 _ "github.com/ulikunitz/xz"
 _ "github.com/ProtonMail/go-crypto/openpgp"
 _ "golang.org/x/crypto/argon2"
 _ "github.com/vbauerster/mpb/v8"
)
func main(){}
