.DEFAULT_GOAL := help
PYTHON ?= python3
COMMANDS := demo test serve conformance odoo-suites lint dist i18n pictures bench chaos
# Anything after the command: make test ARGS="-k bell"
ARGS ?=

.PHONY: help $(COMMANDS)

help:
	@echo 'make demo         the main job from a fresh machine, checked step by step'
	@echo 'make test         all tests (ARGS="-k bell" for some)'
	@echo 'make serve        the same world with the web client to click through'
	@echo 'make conformance  one line a behaviour'
	@echo 'make odoo-suites  Odoo'"'"'s own suites, stock and with the addon'
	@echo 'make lint         ruff, pylint-odoo, prettier, eslint'
	@echo 'make dist         wheels and zips, proved by installing them'
	@echo 'make i18n         export and check the translations'
	@echo 'make bench        stock Odoo and the addon side by side (ARGS="drain_20ms" for some)'
	@echo 'make chaos        kill workers and servers while mail leaves and comes in, and count what arrives'
	@echo 'make pictures     take the pictures of the README from the running web client'

$(COMMANDS):
	@$(PYTHON) -m machine_room $@ $(ARGS)
