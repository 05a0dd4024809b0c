// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.0;

/// A price feed with a settable answer that remembers when it was set, so that staleness can be tested.
contract Feed {
    uint8 public constant decimals = 8;
    int256 public latestAnswer;
    uint256 public updatedAt;

    constructor(int256 answer) {
        set(answer);
    }

    function set(int256 answer) public {
        latestAnswer = answer;
        updatedAt = block.timestamp;
    }

    function latestRoundData()
        external
        view
        returns (uint80, int256 answer, uint256, uint256, uint80)
    {
        return (1, latestAnswer, updatedAt, updatedAt, 1);
    }
}
