package main

import (
	"os"
	"path/filepath"
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
			code, out, errs := command(t, "rules", "test", filepath.Join(recipes, name, "test.yaml"))
			if code != exitDone {
				t.Errorf("exit %d\n%s%s", code, out, errs)
			}
		})
	}
}

func TestTheRecipesAreValidTogether(t *testing.T) {
	t.Parallel()
	if code, out, errs := command(t, "rules", "check", recipes); code != exitDone {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}
