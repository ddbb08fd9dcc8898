package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const recipes = "../../docs/recipes"

// TestEveryRecipeDoesWhatItsScriptSays keeps the recipes from rotting: each
// folder holds a rule and a script that passes.
func TestEveryRecipeDoesWhatItsScriptSays(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(recipes)
	if err != nil || len(entries) < 15 {
		t.Fatalf("%d recipes, %v", len(entries), err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(string(page), "recipes/"+name+"/rule.yaml") {
				t.Errorf("docs/recipes.md does not name %s", name)
			}
			code, out, errs := command(t, "rules", "test", filepath.Join(recipes, name))
			if code != exitDone {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
		})
	}
}

func TestAFolderIsPlayedAsAWhole(t *testing.T) {
	t.Parallel()
	code, out, errs := command(t, "rules", "test", recipes)
	if code != exitDone || !regexp.MustCompile(`^[3-9]\d passed, 0 failed\n$`).MatchString(out) {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	bare := filepath.Dir(writeFile(t, "bare.yaml", fridges))
	if code, _, errs := command(t, "rules", "test", bare); code != exitInvalid || !strings.Contains(errs, "there is no test in these files") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestTheRecipesAreValidTogether(t *testing.T) {
	t.Parallel()
	if code, out, errs := command(t, "rules", "check", recipes); code != exitDone {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}
