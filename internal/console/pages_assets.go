package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
)

//go:embed static
var staticFiles embed.FS

// assets serves the files that pages load. Each is addressed with a hash of
// its contents, so browsers keep it for ever and see a new one at once.
type assets struct {
	files map[string]asset // by path below static/
}

type asset struct {
	content     []byte
	contentType string
	hash        string
}

func newAssets() *assets {
	a := &assets{files: map[string]asset{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := staticFiles.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		a.files[name[len("static/"):]] = asset{content, contentType(name), hex.EncodeToString(sum[:6])}
		return nil
	})
	if err != nil {
		panic(err) // the files are part of the program
	}
	return a
}

// contentType does not ask the machine's own table, which differs between
// machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case "":
		return "text/plain; charset=utf-8"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

// url returns the address of a file, which changes with its contents.
func (a *assets) url(name string) string {
	file, ok := a.files[name]
	if !ok {
		panic("console: no file static/" + name)
	}
	return "/static/" + name + "?v=" + file.hash
}

// ServeHTTP serves a file; the path is what follows /static/.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.contentType)
	h.Set("ETag", `"`+file.hash+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == file.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == `"`+file.hash+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(file.content)))
	_, _ = w.Write(file.content)
}
