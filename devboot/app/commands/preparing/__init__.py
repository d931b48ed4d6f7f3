"""Commands that prepare the project first: everything that its manifest asks for is there when they act."""
