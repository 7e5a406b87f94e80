# The commands of README.md. Every target installs what it needs.
SWIFT ?= swift
GRADCAM = .build/release/gradcam
# Tests see internal declarations, which the released program is not built with: they have a build folder of their own.
TEST_FLAGS = -c release -Xswiftc -enable-testing --scratch-path .build-test

.PHONY: demo build test lint packages protobuf clean

# Builds the program, explains a picture and says where the result is.
demo: build
	$(GRADCAM) explain models/shapes-resnet.onnx models/samples/pair-006-star-cross.png --class star --style side-by-side --output gradcam-demo.png
	@echo "The picture is $(CURDIR)/gradcam-demo.png: left the photograph, right what speaks for 'star' in it."

build: packages
	$(SWIFT) build -c release --product gradcam

# Builds and runs all tests.
test: packages
	$(SWIFT) build $(TEST_FLAGS) --build-tests
	$(SWIFT) test $(TEST_FLAGS) --skip-build

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

# Installs the Debian packages that are missing; does nothing where all are there.
packages:
	@scripts/install-packages.sh

# Generates the C code of the ONNX messages anew, after a change of onnx.proto; needs Debian's protobuf-c-compiler.
protobuf:
	cd Sources/COnnx && protoc-c --c_out=. onnx.proto && mv onnx.pb-c.h include/

clean:
	rm -rf .build .build-test gradcam-demo.png
