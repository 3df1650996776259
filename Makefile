# The ways to run what is here, by their names; each is a script that can be run as well.

.PHONY: help sandbox release test ci fuzz bench instructions overload image

help: ## Print this list.
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

sandbox: ## Run valetkey in front of its stand-in providers: no keys needed.
	scripts/sandbox

release: ## Build the program as releases are: compiled for the ways that its code takes on a busy server.
	scripts/release

image: ## Build the container image, and check what is promised of it.
	scripts/image

test: ## Pass every test.
	scripts/test

ci: ## All that must hold before a change lands.
	.ci/run

fuzz: ## Fuzz every parser of what others write; SECONDS=60 for each.
	scripts/fuzz $(SECONDS)

bench: ## Measure what a token costs, beside others; QUICK=--quick is shorter.
	scripts/bench $(QUICK)

instructions: ## Count the instructions of a vending, and fail if there are more than allowed.
	scripts/instructions

overload: ## Ask for ten times what can be given, and see what a provider that is down is sent; QUICK=--quick is shorter.
	cargo bench --locked --bench overload -- $(QUICK)
