// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// What the stand-ins of Hyperliquid's precompiles answer: set for an address and its exact input.
contract PrecompileAnswers {
    mapping(bytes32 => bytes) private answers;
    mapping(bytes32 => bool) private known;

    function set(address at, bytes calldata input, bytes calldata answer) external {
        bytes32 key = keccak256(abi.encode(at, input));
        answers[key] = answer;
        known[key] = true;
    }

    function get(address at, bytes calldata input) external view returns (bool, bytes memory) {
        bytes32 key = keccak256(abi.encode(at, input));
        return (known[key], answers[key]);
    }
}

/// A stand-in for one precompile: it has no functions, only input, and burns its frame's gas for an
/// input that it does not know, as the real ones do for an index or a user that does not exist.
contract Precompile {
    PrecompileAnswers private immutable answers;

    constructor(PrecompileAnswers from) {
        answers = from;
    }

    fallback(bytes calldata input) external returns (bytes memory) {
        (bool known, bytes memory answer) = answers.get(address(this), input);
        if (!known) {
            assembly {
                invalid()
            }
        }
        return answer;
    }
}
